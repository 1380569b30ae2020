"""``bankchurn predict``."""

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Annotated, cast

import typer
from servicekit.answer_warnings import WARNINGS
from servicekit.cli_errors import handle_errors
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.progress import progress
from servicekit.spark.options import (
    LOCAL_MASTER,
    EngineOption,
    MasterOption,
    SettingsOption,
    SparkOptions,
    spark_options,
)

from bankchurn.batch.predict_file import check_output, predict_file
from bankchurn.batch.scoring import Scorer, on_all_cores
from bankchurn.cli import options as opt
from bankchurn.data.table_files import count_rows
from bankchurn.evaluation.evaluation import unknown_notices
from bankchurn.model.sealed_model import SealedChurn


def command(
    *,
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="CSV or Parquet table of customers.")
    ],
    destination: opt.Output,
    model: opt.Model = opt.DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    engine: EngineOption = "local",
    master: MasterOption = LOCAL_MASTER,
    spark: SettingsOption = None,
) -> None:
    """Score a file of customers. Writes the whole output or, if any row is invalid, nothing."""
    with handle_errors():
        # Cheap checks first, before a model is loaded.
        options = spark_options(engine, master, spark, install=opt.SPARK_ENVIRONMENT)
        total = count_rows(source)
        check_output(source, destination)
        sealed = SealedChurn.find(model, model_sha256, signer)
        with (
            _scorer(sealed, options) as scorer,
            progress("Scoring", total=total, unit="customers") as advance,
        ):
            summary = predict_file(scorer, source, destination, advance=advance)
    print(
        f"Scored {summary.customers:,} customers with {sealed.opened().manifest.version}: "
        f"{summary.predicted_churn:,} predicted to leave. Wrote {destination}"
    )
    for sentence in unknown_notices(summary.unknown):
        print(sentence)
    if summary.marked:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.warnings.items())
        print(
            f"{summary.marked:,} answers are marked in the column {WARNINGS}, because the customer "
            f"is outside the training data: {kinds}"
        )


def _scorer(model: SealedChurn, options: SparkOptions | None) -> AbstractContextManager[Scorer]:
    if options is None:
        return nullcontext(on_all_cores(model.predictor()))
    # Imported only where it is asked for: Spark may not be installed.
    spark = import_module("bankchurn.batch.spark")
    return cast("AbstractContextManager[Scorer]", spark.on_spark(model, options))
