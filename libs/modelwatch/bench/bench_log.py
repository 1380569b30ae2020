"""CPU time of the log for each record, as a service calls it, and the size of what it imports."""

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy as np
from modelwatch.log import LogSchema, PredictionLog
from modelwatch.store import FolderStore

RECORDS = 20_000
ROUNDS = 7
SCHEMA = LogSchema(
    features={f"number{index}": "number" for index in range(8)}
    | {"country": "category", "channel": "category"},
    outputs={"probability": "number", "label": "category"},
)


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    random = np.random.default_rng(1)
    rows = [
        {f"number{index}": float(random.random()) for index in range(8)}
        | {"country": "France", "channel": "web"}
        for _ in range(RECORDS)
    ]
    best = min((_measure(rows) for _ in range(ROUNDS)), key=lambda found: found["cpu_us"])
    document = {
        "measured": datetime.now(UTC).date().isoformat(),
        "features": len(SCHEMA.features),
        "rounds": ROUNDS,
        "records": RECORDS,
        **best,
        "installed_mb": {
            name: round(_installed(name) / 2**20, 1) for name in ("arro3-core", "arro3-io")
        },
        "database_mb": {
            name: round(_installed(name) / 2**20, 2)
            for name in ("pg8000", "scramp", "asn1crypto", "python-dateutil", "six")
        },
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _measure(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Microseconds of CPU for each record: of the call alone, and with the writing thread."""
    with tempfile.TemporaryDirectory() as name:
        log = PredictionLog(FolderStore(Path(name)), SCHEMA, flush_s=3600, warn=print)
        outputs = {"probability": 0.25, "label": "0"}
        began = time.process_time()
        for number, row in enumerate(rows):
            log.record(
                prediction_id=f"{number:032}",
                request_id=f"{number:032}",
                model="a" * 64,
                features=row,
                outputs=outputs,
            )
        called = time.process_time()
        log.start()
        log.close(60)
        ended = time.process_time()
        written = sum(path.stat().st_size for path in Path(name).rglob("*.parquet"))
    return {
        "call_us": round((called - began) / RECORDS * 1e6, 2),
        "cpu_us": round((ended - began) / RECORDS * 1e6, 2),
        "bytes": round(written / RECORDS),
    }


def _installed(name: str) -> int:
    return sum(Path(str(file.locate())).stat().st_size for file in files(name) or ())


if __name__ == "__main__":
    main()
