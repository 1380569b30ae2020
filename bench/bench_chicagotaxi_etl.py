"""ChicagoTaxi's pipeline from raw trips to clean Parquet and hourly demand, on two cores.

Generates portal CSV by the service's command line, then runs its `etl` on it as a process of its
own: with DuckDB, with PySpark ``local[2]`` where it is installed, and with DuckDB on ten times the
rows. What counts is the wall time of the whole command, from its start to its end, and the most
memory that the process held. DuckDB runs before, between and after the others, and the median of
these runs counts, because a machine may be slower for some minutes. Rows kept and dropped must be
the same for both engines, and as many as the generator said.

Run by ``make bench`` in the service's environment. It imports nothing of the service.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

# The rows that the ancestor of this system reports its speed on.
ROWS = 6_364_313
FACTOR = 10
MEMORY = "2GB"
CORES = 2

# What is promised: rows per second and GiB of memory, times faster than Spark, and times the
# seconds that ten times the rows may take.
PROMISED_ROWS_PER_S = 400_000
PROMISED_GIB = 4.0
PROMISED_TIMES_FASTER = 8.0
PROMISED_TIMES_LONGER = 11.0


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--rows", type=int, default=ROWS, help="how many trips")
    parser.add_argument("--factor", type=int, default=FACTOR, help="1 leaves out the larger run")
    parser.add_argument("--without-spark", action="store_true", help="leave out PySpark")
    parser.add_argument("--folder", type=Path, help="for 0.5 GB per million trips, times FACTOR")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.folder) as name:
        folder = Path(name)
        results = _measure(
            folder, arguments.rows, factor=arguments.factor, spark=not arguments.without_spark
        )
    _write(arguments.out, results)
    _show(results)
    if broken := _broken(results):
        sys.exit("Not as promised: " + "; ".join(broken))


def _measure(folder: Path, rows: int, *, factor: int, spark: bool) -> dict[str, Any]:
    results: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start",
        "cores_used": CORES,
        "memory_limit": MEMORY,
    }
    # The larger one first: by the time it is read, the disk has long done with writing it.
    large = _generate(folder / "large.csv", rows * factor, {}) if factor > 1 else None
    sample = _generate(folder / "sample.csv", rows, results)
    options = ["--threads", str(CORES), "--memory", MEMORY]

    def of_sample(*given: str) -> dict[str, Any]:
        _cache(sample)
        return _etl(folder, sample, rows, given)

    runs = [of_sample(*options)]
    if spark:
        # On one machine the driver is also what works; more memory than DuckDB has.
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
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "chicagotaxi", "generate", path, "--rows", str(rows)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    # What the system has yet to write would otherwise be written during the first run; and what
    # it kept of a file would only be in the way of those that are read before it.
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
    """Have a file in the page cache, as it is when it was just written, or fetched."""
    with path.open("rb", buffering=0) as file:
        while file.read(2**25):
            pass


def _etl(folder: Path, sample: Path, rows: int, options: Sequence[str]) -> dict[str, Any]:
    """One run of the command, from a cold process to the output in its place."""
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
        # Of the Python process alone: Spark's memory is that of its JVM.
        "peak_gib": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30,
        "bytes_written": written,
        "rows_read": found["rows_read"],
        "rows_kept": found["rows_kept"],
        "dropped": found["dropped"],
    }


def _broken(results: dict[str, Any]) -> list[str]:
    """Which promises do not hold."""
    runs = [results["duckdb"], *([results["larger"]] if "larger" in results else [])]
    found = {
        f"{PROMISED_ROWS_PER_S:,} rows/s": results["duckdb"]["rows_per_s"] >= PROMISED_ROWS_PER_S,
        f"{PROMISED_GIB} GiB": all(run["peak_gib"] < PROMISED_GIB for run in runs),
        f"{PROMISED_TIMES_FASTER} times as fast as PySpark": (
            results.get("times_faster", PROMISED_TIMES_FASTER) >= PROMISED_TIMES_FASTER
        ),
        f"{PROMISED_TIMES_LONGER} times as long": (
            results.get("times_longer", 0.0) <= PROMISED_TIMES_LONGER
        ),
    }
    return [name for name, holds in found.items() if not holds]


def _write(path: Path, results: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(results, file, indent=2)
        file.write("\n")
    Path(file.name).replace(path)


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
