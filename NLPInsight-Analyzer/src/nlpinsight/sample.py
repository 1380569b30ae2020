"""Sample data: synthetic financial headlines with labels, from a grammar.

No company, person or number is real, and nothing was taken from a real text. Sentences are built
from parts with a known meaning, which gives the label: more profit is good, more debt is bad, an
appointment is neither. The texts are difficult on purpose:

- The same words occur with all labels. Costs *and* profits rise, fall, beat and miss; only the pair
  counts.
- A share `MIXED` of the texts has good and bad news; the last clause gives the label.
- A share `DISAGREEMENT` of the labels is drawn from the other labels.

No model can predict the last, and metrics on this corpus say nothing about real texts: its grammar
is far smaller than English. A label that the grammar does not know is a word of its texts, so that
everything can be tried with other labels before there is data.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import numpy as np

from nlpinsight.data.corpus import Corpus
from nlpinsight.data.leakage import wording
from nlpinsight.schema import LABELS, Label

T = TypeVar("T")

DISAGREEMENT: Final = 0.06
MIXED: Final = 0.12

# The grammar has many more, but finding new ones takes ever longer.
MAX_TEXTS: Final = 100_000

_SHARES: Final = {"negative": 0.22, "neutral": 0.48, "positive": 0.30}
_OPPOSITES: Final = {"negative": "positive", "positive": "negative"}

_HEADS: Final = (
    "Alder", "Bramble", "Corvid", "Dunmore", "Elkhorn", "Fenwick", "Garnet", "Halcyon", "Ivory",
    "Juniper", "Kestrel", "Larkspur", "Meridian", "Northgate", "Orchard", "Pinnacle", "Quarry",
    "Ridgeway", "Saffron", "Thistle", "Umber", "Vesper", "Willow", "Yarrow", "Zephyr",
)  # fmt: skip
_TAILS: Final = (
    "Bancorp", "Biotech", "Energy", "Foods", "Holdings", "Labs", "Logistics", "Materials",
    "Motors", "Networks", "Pharma", "Retail", "Semiconductor", "Shipping", "Software", "Steel",
)  # fmt: skip

# Quantities that are good, and bad, when they grow.
_GOOD: Final = (
    "profit", "revenue", "net income", "operating margin", "free cash flow", "order backlog",
    "same-store sales", "market share", "subscriber growth", "demand", "earnings per share",
)  # fmt: skip
_BAD: Final = (
    "net loss", "debt", "costs", "customer churn", "impairment charges", "unsold inventory",
    "default rate", "legal expenses", "delays", "warranty claims",
)  # fmt: skip
_MORE: Final = ("rises", "jumps", "climbs", "grows", "surges", "is up", "widens", "increases")
_LESS: Final = ("falls", "drops", "slides", "shrinks", "tumbles", "is down", "narrows", "declines")
_AMOUNTS: Final = ("{n}%", "{n} percent", "by {n}%", "${n} million", "to a {n}-month high", "")
_TIMES: Final = (
    "in the first quarter", "in Q2", "in Q3", "in the fourth quarter", "this year", "in 2019",
    "for the half year", "year on year", "",
)  # fmt: skip
_SOURCES: Final = (
    "", "", "", "", " - analysts", " - update", " #stocks", " https://t.co/{n}x", " (wire)",
)  # fmt: skip

_POSITIVE: Final = (
    "{who} beats estimates and raises its outlook {when}",
    "{who} upgraded to buy, price target up to ${n}",
    "{who} shares rally after better than expected results",
    "{who} wins ${n} million contract",
    "Regulator clears {who} takeover",
    "{who} lifts dividend by {n}%",
    "{who} to cut debt faster than planned",
    "{who} losses are smaller than feared {when}",
    "Strong demand lets {who} hire {n} people",
    "{who} settles lawsuit for less than feared",
)
_NEGATIVE: Final = (
    "{who} misses estimates and cuts its outlook {when}",
    "{who} downgraded to sell, price target down to ${n}",
    "{who} shares sink after worse than expected results",
    "{who} loses ${n} million contract",
    "Regulator blocks {who} takeover",
    "{who} cuts dividend by {n}%",
    "{who} warns that debt is higher than planned",
    "{who} profit is smaller than hoped {when}",
    "Weak demand makes {who} lay off {n} people",
    "{who} faces lawsuit over higher than stated costs",
)
_NEUTRAL: Final = (
    "{who} to report results on the {n}th",
    "{who} appoints new chief financial officer",
    "{who} holds annual meeting {when}",
    "{who} shares little changed {when}",
    "Edited transcript of {who} earnings conference call",
    "{who} profit and costs both in line with estimates {when}",
    "{who} names {n} directors to its board",
    "Analysts keep hold rating on {who}, price target ${n}",
    "{who} completes the sale of a unit for ${n} million",
    "What to watch when {who} reports {when}",
    "{who} moves its head office",
    "{who} revenue unchanged at ${n} million {when}",
)
_TEMPLATES: Final[Mapping[str, Sequence[str]]] = {
    "negative": _NEGATIVE,
    "neutral": _NEUTRAL,
    "positive": _POSITIVE,
}


def generate_sample(texts: int = 4_000, *, seed: int = 42) -> Corpus:
    """Generate labelled headlines. No two have the same words.

    Args:
        texts: Number of texts, at most `MAX_TEXTS`.
        seed: Random seed. The same seed gives the same corpus.
    """
    if not 1 <= texts <= MAX_TEXTS:
        raise ValueError(f"The grammar gives 1 to {MAX_TEXTS:,} texts, not {texts:,}.")
    grammar = _Grammar(np.random.default_rng(seed))
    made: dict[str, tuple[str, Label]] = {}
    while len(made) < texts:
        text, label = grammar.labelled()
        made.setdefault(wording(text), (text, label))
    return Corpus(
        tuple(text for text, _ in made.values()),
        tuple(label for _, label in made.values()),
        f"generated sample, seed {seed}",
    )


class _Grammar:
    def __init__(self, draw: np.random.Generator) -> None:
        self._draw = draw

    def labelled(self) -> tuple[str, Label]:
        shares = [_SHARES[one] for one in LABELS] if _SHARES.keys() == set(LABELS) else None
        meant = LABELS[int(self._draw.choice(len(LABELS), p=shares))]
        text = self._text(meant)
        if self._draw.random() < DISAGREEMENT:
            return text, self._one([label for label in LABELS if label != meant])
        return text, meant

    def _text(self, meant: str) -> str:
        who = self._company()
        said = self._clause(meant, who)
        other = _OPPOSITES.get(meant)
        if other is not None and self._draw.random() < MIXED:
            said = f"{self._clause(other, who)}, but {self._clause(meant, 'the company')}"
        text = said + self._filled(self._one(_SOURCES))
        return " ".join(text.split())

    def _clause(self, meant: str, who: str) -> str:
        if meant not in _TEMPLATES:
            return f"{who} {meant} {self._one(_MORE)} {self._one(_TIMES)}"
        if meant not in _OPPOSITES or self._draw.random() < 0.5:  # noqa: PLR2004 - half and half
            return self._filled(self._one(_TEMPLATES[meant])).replace("{who}", who)
        of_good = bool(self._draw.random() < 0.6)  # noqa: PLR2004 - good news is more frequent
        what = self._one(_GOOD if of_good else _BAD)
        how = self._one(_MORE if of_good == (meant == "positive") else _LESS)
        return f"{who} {what} {how} {self._filled(self._one(_AMOUNTS))} {self._one(_TIMES)}"

    def _company(self) -> str:
        head = self._one(_HEADS)
        name = f"{head} {self._one(_TAILS)}"
        # With or without the ticker, or the ticker alone.
        return self._one([name, name, f"${head[:4].upper()} - {name}", f"${head[:4].upper()}"])

    def _filled(self, template: str) -> str:
        filled = template.replace("{n}", str(int(self._draw.integers(2, 99))))
        return filled.replace("{when}", self._one(_TIMES))

    def _one(self, choices: Sequence[T]) -> T:
        return choices[int(self._draw.integers(len(choices)))]
