"""Time and memory of large logs: their truth is stored, then reported, in logs of several sizes."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from worlds import SCHEMA, profile_of, sample

DAYS = 30
PARTS_A_DAY = 24

_PREDICTIONS = """
    select make_timestamp(1772323200000000 + i) as time, md5(i::varchar) as prediction_id,
        md5('r' || i::varchar) as request_id, repeat('a', 64) as model, []::varchar[] as warnings,
        40 + 24 * (random() + random() + random() - 1.5) as "feature.age",
        exp(10.5 + (random() - 0.5)) as "feature.income",
        floor(random() * 11)::double as "feature.tenure",
        random() * 100000 as "feature.balance",
        1 + floor(random() * 4)::double as "feature.products",
        ['Germany', 'France', 'Spain'][1 + floor(random() * 3)::int % 3] as "feature.country",
        chr(97 + floor(random() * 8)::int % 8) as "feature.channel",
        floor(random() * 2)::double as "feature.active",
        random() as "output.probability",
        (random() > 0.5)::int::varchar as "output.label"
    from range($1, $2) t(i)
"""
_OUTCOMES = """
    select md5(i::varchar) as prediction_id, (random() < 0.3)::int::varchar as outcome
    from range($1) t(i)
"""


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000, 30_000_000])
    options = parser.parse_args()
    document = {
        "measured": datetime.now(UTC).date().isoformat(),
        "columns": len(SCHEMA.features) + len(SCHEMA.outputs),
        "cores": os.cpu_count(),
        "sizes": [_measure(rows) for rows in sorted(options.rows)],
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _measure(rows: int) -> dict[str, Any]:
    """The time and the memory of the commands, on a log of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, last = _write_log(folder, rows)
        profile = profile_of(sample(10_000, np.random.default_rng(0)))
        (folder / "profile.json").write_text(profile.model_dump_json(), encoding="utf-8")
        log = ["--log", str(folder / "log")]
        load = os.getloadavg()[0]
        steps = {
            "truth": _run("truth", str(folder / "outcomes.parquet"), *log),
            "report": _run(
                *("report", *log, "--service", "orders", "--profile", str(folder / "profile.json")),
                *("--from", str(first), "--to", str(last), "--out", str(folder / "report")),
            ),
        }
        written = json.loads((folder / "report" / "report.json").read_bytes())
        if written["truth_rows"] != rows:
            raise SystemExit(f"only {written['truth_rows']} predictions have an outcome")
    return {"rows": rows, "load": [round(load, 1), round(os.getloadavg()[0], 1)], "steps": steps}


def _write_log(folder: Path, rows: int) -> tuple[date, date]:
    """A log of a month, in the form that a service writes, made by DuckDB."""
    first = date(2026, 3, 1)
    per_part = -(-rows // (DAYS * PARTS_A_DAY))
    connection = duckdb.connect()
    for part in range(DAYS * PARTS_A_DAY):
        day, hour = divmod(part, PARTS_A_DAY)
        here = folder / "log" / "predictions" / f"day={first + timedelta(days=day)}"
        here.mkdir(parents=True, exist_ok=True)
        numbers = [part * per_part, min(rows, (part + 1) * per_part)]
        connection.sql(_PREDICTIONS, params=numbers).write_parquet(
            str(here / f"{hour:02}.parquet"), compression="zstd"
        )
    connection.sql(_OUTCOMES, params=[rows]).write_parquet(str(folder / "outcomes.parquet"))
    return first, first + timedelta(days=DAYS - 1)


def _run(*arguments: str) -> dict[str, Any]:
    """The time of a command, and its peak memory."""
    began = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - a command of this library
        [sys.executable, "-m", "modelwatch", *arguments], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    return {
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_memory_mb": used.ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
