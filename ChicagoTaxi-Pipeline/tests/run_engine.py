"""One engine's work in a process of its own: a run of the pipeline, and a batch function.

Run by test_engines, because a process has one Spark session. Arguments: the engine, its master,
the folder for everything that comes out, and the inputs.
"""

import sys
from pathlib import Path

from chicagotaxi.etl.engines import EngineName, EngineOptions, open_engine
from chicagotaxi.etl.run import run_etl
from double_trips import SCHEMA, double
from trips import NOW


def main() -> None:
    """Run everything."""
    name, master, out, inputs = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:]
    settings = {
        "spark.sql.shuffle.partitions": "2",
        "spark.executor.memory": "1g",
        # Files of the tests are small, and are to be split all the same.
        "spark.sql.files.maxPartitionBytes": "200000",
        # The workers import this folder's modules, as a job's own would be given by --py-files.
        "spark.executorEnv.PYTHONPATH": str(Path(__file__).parent),
    }
    engine: EngineName = "pyspark" if name == "pyspark" else "duckdb"
    options = EngineOptions(name=engine, master=master, settings=settings, threads=2)
    with open_engine(options, temporary=out / "temporary") as opened:
        run_etl(
            inputs,
            out / "out",
            engine=EngineOptions(name=engine, master=master),
            quarantine=out / "dropped.parquet",
            max_dropped=1.0,
            now=NOW,
        )
        rows = opened.apply(out / "out" / "hourly", double, SCHEMA, out / "applied", rows=10_000)
        print(opened.name, rows)  # noqa: T201 - read by the test


if __name__ == "__main__":
    main()
