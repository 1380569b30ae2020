"""Measures ChicagoTaxi's pipeline from raw trips to clean Parquet and hourly demand, on two cores.

Generates CSV as the portal's with the service's command line, then runs its ``etl`` as a process:
with DuckDB, with PySpark ``local[2]``, and with DuckDB on ten times the rows. Measured are the wall
time of the whole command and the peak memory of its process. DuckDB runs before, between and after
the others, and the median counts, because a machine may be slower for some minutes. Both engines
must keep and drop the same rows, and read as many as were generated.

Run by ``make bench`` in the service's environment. It imports nothing from the service.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from measuring import check_promises, machine, make_parser, run_command, write_results
from rich.console import Console
from rich.table import Table

# The number of rows that the ancestor of this system was measured on.
ROWS = 6_364_313
FACTOR = 10
MEMORY = "2GB"
CORES = 2

# Promised: rows per second, GiB of memory, times faster than Spark, and times the seconds for ten
# times the rows.
PROMISED_ROWS_PER_S = 400_000
PROMISED_GIB = 4.0
PROMISED_TIMES_FASTER = 8.0
PROMISED_TIMES_LONGER = 11.0


def main() -> None:
    """Measure and write the results."""
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="Number of trips.")
    parser.add_argument(
        "--factor",
        type=int,
        default=FACTOR,
        help="Size of the larger run, in multiples of --rows; 1 leaves it out.",
    )
    parser.add_argument("--without-spark", action="store_true", help="Leave out PySpark.")
    parser.add_argument(
        "--folder",
        type=Path,
        help="Folder for temporary files: 0.5 GB per million trips, times FACTOR.",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.folder) as name:
        folder = Path(name)
        results = _measure(
            folder, arguments.rows, factor=arguments.factor, spark=not arguments.without_spark
        )
    write_results(arguments.out, results)
    _show(results)
    check_promises(_promises(results))


def _measure(folder: Path, rows: int, *, factor: int, spark: bool) -> dict[str, Any]:
    results: dict[str, Any] = {
        "machine": f"{machine()}, load {os.getloadavg()[0]:.1f} at the start",
        "cores_used": CORES,
        "memory_limit": MEMORY,
    }
    # The larger file first, so that it is on disk long before it is read.
    large = _generate(folder / "large.csv", rows * factor, {}) if factor > 1 else None
    sample = _generate(folder / "sample.csv", rows, results)
    options = ["--threads", str(CORES), "--memory", MEMORY]

    def of_sample(*given: str) -> dict[str, Any]:
        _cache(sample)
        return _etl(folder, sample, rows, given)

    runs = [of_sample(*options)]
    if spark:
        # In local mode the driver does the work. It gets more memory than DuckDB.
        of_spark = ["--engine", "pyspark", "--master", f"local[{CORES}]"]
        results["pyspark"] = of_sample(*of_spark, "--spark", "spark.driver.memory=4g")
        for number in ("rows_read", "rows_kept", "dropped"):
            if results["pyspark"][number] != runs[0][number]:
                sys.exit(f"The engines do not agree on {number}.")
    runs.append(of_sample(*options))
    if large is not None:
        results["larger"] = _etl(folder, large, rows * factor, options) | {"factor": factor}
    runs.append(of_sample(*options))
    results["duckdb"] = sorted(runs, key=itemgetter("seconds"))[1]
    results["duckdb"]["of_seconds"] = [run["seconds"] for run in runs]
    seconds = results["duckdb"]["seconds"]
    if spark:
        results["times_faster"] = results["pyspark"]["seconds"] / seconds
    if large is not None:
        results["times_longer"] = results["larger"]["seconds"] / seconds
    return results


def _generate(path: Path, rows: int, results: dict[str, Any]) -> Path:
    began = time.perf_counter()
    run_command("chicagotaxi", "generate", path, "--rows", rows)
    # Otherwise the system would write the file during the first run, and keep it in memory that
    # the files read before it need.
    os.sync()
    _forget(path)
    results["generated"] = {
        "rows": rows,
        "bytes": path.stat().st_size,
        "seconds": time.perf_counter() - began,
    }
    return path


def _forget(path: Path) -> None:
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _cache(path: Path) -> None:
    """Read a file into the page cache, where it is after it was written or downloaded."""
    with path.open("rb", buffering=0) as file:
        while file.read(2**25):
            pass


def _etl(folder: Path, sample: Path, rows: int, options: Sequence[str]) -> dict[str, Any]:
    """Run the command once in a new process, and measure it."""
    out = folder / "out"
    command = [sys.executable, "-m", "chicagotaxi", "etl", str(sample), "--out", str(out), *options]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        sys.exit(f"The pipeline ended with {os.waitstatus_to_exitcode(status)}.")
    found = json.loads((out / "status.json").read_text(encoding="utf-8"))
    if found["rows_read"] != rows:
        sys.exit(f"{rows} rows were generated, but {found['rows_read']} read.")
    written = sum(path.stat().st_size for path in out.rglob("*.parquet"))
    shutil.rmtree(out)
    return {
        "rows": rows,
        "seconds": seconds,
        "rows_per_s": rows / seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        # Of the Python process only, without Spark's JVM.
        "peak_gib": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30,
        "bytes_written": written,
        "rows_read": found["rows_read"],
        "rows_kept": found["rows_kept"],
        "dropped": found["dropped"],
    }


def _promises(results: dict[str, Any]) -> dict[str, bool]:
    runs = [results["duckdb"], *([results["larger"]] if "larger" in results else [])]
    return {
        f"{PROMISED_ROWS_PER_S:,} rows/s": results["duckdb"]["rows_per_s"] >= PROMISED_ROWS_PER_S,
        f"{PROMISED_GIB} GiB": all(run["peak_gib"] < PROMISED_GIB for run in runs),
        f"{PROMISED_TIMES_FASTER} times as fast as PySpark": (
            results.get("times_faster", PROMISED_TIMES_FASTER) >= PROMISED_TIMES_FASTER
        ),
        f"{PROMISED_TIMES_LONGER} times as long": (
            results.get("times_longer", 0.0) <= PROMISED_TIMES_LONGER
        ),
    }


def _show(results: dict[str, Any]) -> None:
    table = Table("engine", "rows", "seconds", "rows/s", "peak memory")
    for name in ("duckdb", "pyspark", "larger"):
        if name in results:
            run = results[name]
            table.add_row(
                "duckdb" if name == "larger" else name,
                f"{run['rows']:,}",
                f"{run['seconds']:.1f}",
                f"{run['rows_per_s']:,.0f}",
                "-" if name == "pyspark" else f"{run['peak_gib']:.2f} GiB",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
