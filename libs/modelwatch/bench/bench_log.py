"""CPU time of the log for each record, as a service calls it, and the size of what it imports."""

import argparse
import json
import secrets
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from modelseal import OpenedModel
from modelwatch.log import LogSchema, LogSettings, PredictionLog, ServiceLog
from modelwatch.shadow import AnswerRows

RECORDS = 20_000
ROUNDS = 7
# The answers of more requests at once would be read where they are recorded.
REQUESTS = 500
PAUSE_S = 0.06
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
        settings = LogSettings.model_validate(
            {"prediction_log": name, "prediction_log_flush_s": 3600}
        )
        service_log = ServiceLog(settings, SCHEMA, _no_shadow)
        log = cast("PredictionLog", service_log.log)
        model = SimpleNamespace(sha256="a" * 64)
        requests: Any = [
            (SimpleNamespace(request_id=secrets.token_hex(16), model=model), log.new_ids(1), [row])
            for row in rows
        ]
        answers = [SimpleNamespace(warnings=(), probability=0.25, label="0")]
        log.start()
        began = time.process_time()
        called = 0.0
        for first in range(0, RECORDS, REQUESTS):
            starts = time.thread_time()
            for runtime, ids, row in requests[first : first + REQUESTS]:
                service_log.record(runtime, ids, row, answers)
            called += time.thread_time() - starts
            time.sleep(PAUSE_S)
        log.close(60)
        ended = time.process_time()
        written = sum(path.stat().st_size for path in Path(name).rglob("*.parquet"))
    return {
        "call_us": round(called / RECORDS * 1e6, 2),
        "cpu_us": round((ended - began) / RECORDS * 1e6, 2),
        "bytes": round(written / RECORDS),
    }


def _no_shadow(_opened: OpenedModel) -> AnswerRows:
    raise NotImplementedError


def _installed(name: str) -> int:
    return sum(Path(str(file.locate())).stat().st_size for file in files(name) or ())


if __name__ == "__main__":
    main()
