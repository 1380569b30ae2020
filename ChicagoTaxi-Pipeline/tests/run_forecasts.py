"""Batch predictions on Spark, by the commands, in a process of their own: run by test_workers.

Arguments: the cluster's master, the pipeline's output folder, the sealed model. In the current
folder come to lie ``hindcast`` and ``predicted``; what could not be done is printed as JSON.
"""

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from chicagotaxi.batch.predict import identity
from chicagotaxi.batch.workers import forecast_origins, origins_schema
from chicagotaxi.batch.writer import write_batch
from chicagotaxi.cli import app
from chicagotaxi.etl.engines import Engine, EngineOptions, open_engine
from chicagotaxi.etl.engines.spark_session import spark_session
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.history.panel import read_hourly
from double_trips import SCHEMA, fail_late
from modelseal import SealedModelError
from servicekit.files import DataError

SETTINGS = {
    "spark.executor.memory": "1g",
    # The workers import this folder's modules, as a job's own would be given by --py-files.
    "spark.executorEnv.PYTHONPATH": str(Path(__file__).parent),
}


def main() -> None:
    """Run everything in one session, which the commands take up."""
    master, out, model = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    with spark_session(master, SETTINGS):
        engine = ["--engine", "pyspark", "--master", master]
        options = ["--out", str(out), "--model", str(model), *engine]
        command("hindcast", "hindcast", "--every", "13", *options)
        shutil.copytree(out / "hourly", "predicted/hourly")
        command("predict", "--out", "predicted", "--model", str(model), *engine)
        with open_engine(EngineOptions(name="pyspark"), temporary=Path("temporary")) as spark:
            sealed = SealedForecast.find(model, None)
            messages = {
                "model": refused_by_a_worker(spark, out, sealed),
                "late": fails_late(spark, out, sealed),
                "left": ", ".join(sorted(path.name for path in Path("hindcast").iterdir())),
            }
        sys.stdout.write(json.dumps(messages))


def command(*arguments: str) -> None:
    """Run a command, whose output is not the test's."""
    with contextlib.redirect_stdout(io.StringIO()):
        app(list(arguments), standalone_mode=False)


def refused_by_a_worker(engine: Engine, out: Path, model: SealedForecast) -> str:
    """Have the workers look for another model than the one that the driver proved."""
    other = replace(model, sha256="0" * 64)
    return fails(
        model,
        lambda work: forecast_origins(engine, other, read_hourly(out), [1400], work, named=True),
    )


def fails_late(engine: Engine, out: Path, model: SealedForecast) -> str:
    """Let a worker fail when others are done."""

    def make(work: Path) -> Path:
        engine.apply(out / "hourly", fail_late, SCHEMA, work / "made", rows=1000)
        return work / "made"

    return fails(model, make)


def fails(model: SealedForecast, make: Callable[[Path], Path]) -> str:
    """What is said where a batch cannot be made that would take the place of another."""
    try:
        write_batch(
            Path("hindcast"),
            make,
            schema=origins_schema(named=True),
            model=identity(model.opened()),
            interval=0.9,
        )
    except (DataError, SealedModelError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing failed"


if __name__ == "__main__":
    main()
