"""How often a challenger passes the gate `better`, by its true gain and the rows compared.

Of challengers that are as good as the champion, the share is the rate of false promotions. Models
err independently of each other, as after a training on other rows.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from challenges import Noise, draw_pair
from modelwatch.challenge.bootstrap import CONFIDENCE, EQUAL_PROMOTED, compare
from modelwatch.reporting.metrics import BINARY

SIZES: Final = (250, 1_000, 4_000)
CHAMPION: Final = Noise(0.6)
CHALLENGERS: Final = (Noise(0.7), CHAMPION, Noise(0.5), Noise(0.4), Noise(0.2))
METRIC: Final = "log_loss"
LARGE: Final = 200_000


def main() -> None:
    """Write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--challenges", type=int, default=50)
    parser.add_argument("--equal-challenges", type=int, default=600)
    options = parser.parse_args()
    rows = []
    for challenger in CHALLENGERS:
        equal = challenger == CHAMPION
        challenges = options.equal_challenges if equal else options.challenges
        found: dict[str, Any] = {"gain": true_gain(challenger), "challenges": challenges}
        for size in SIZES:
            passed = sum(passes(challenger, size, seed) for seed in range(challenges))
            found[str(size)] = passed / challenges
        rows.append(found)
    document = {
        "metric": METRIC,
        "sizes": SIZES,
        "confidence": CONFIDENCE,
        "declared": EQUAL_PROMOTED,
        "rows": rows,
    }
    options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def true_gain(challenger: Noise) -> float:
    """The gain as a share of the champion's log loss, on very many rows."""
    if challenger == CHAMPION:
        return 0.0
    cells = draw_pair(LARGE, np.random.default_rng(0), CHAMPION, challenger)
    before, after = map(BINARY[METRIC], cells)
    return (before - after) / before


def passes(challenger: Noise, size: int, seed: int) -> bool:
    """Whether a challenger passes the gate on some rows."""
    champion_cells, challenger_cells = draw_pair(
        size, np.random.default_rng(seed), CHAMPION, challenger
    )
    rows = np.arange(size)
    found = compare(METRIC, BINARY[METRIC], champion_cells, challenger_cells, rows, additive=False)
    return found.low > 0


if __name__ == "__main__":
    main()
