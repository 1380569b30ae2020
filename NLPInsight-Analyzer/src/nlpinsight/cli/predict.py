"""``nlpinsight predict``."""

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Annotated, cast

import typer
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

from nlpinsight.batch.judging import Judge, on_this_machine
from nlpinsight.batch.predict_file import check_files, predict_file
from nlpinsight.batch.result_file import check_results
from nlpinsight.cli import options as opt
from nlpinsight.cli.inputs import print_format
from nlpinsight.data.file_kinds import check_file
from nlpinsight.sealed_model import SealedSentiment


def command(
    *,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="File of texts: .csv or .jsonl with text, or .txt with one text, or "
            "sentence@label, per line; also compressed (.gz).",
        ),
    ],
    destination: opt.Output,
    model: opt.Model = opt.DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    engine: EngineOption = "local",
    master: MasterOption = LOCAL_MASTER,
    spark: SettingsOption = None,
) -> None:
    """Predict the sentiment of a file of texts.

    Writes the whole output or, if any row is invalid, nothing.
    """
    with handle_errors():
        # Cheap checks first, before a model is loaded.
        options = spark_options(engine, master, spark, install=opt.SPARK_ENVIRONMENT)
        check_file(source)
        check_results(destination)
        check_files(source, destination)
        sealed = SealedSentiment.find(model, model_sha256, signer)
        with (
            _judge(sealed, options) as judge,
            progress("Predicting", unit="texts") as advance,
        ):
            summary = predict_file(judge, source, destination, advance=advance)
    print_format(source, summary.read_as)
    for name, written in sorted(summary.renamed.items()):
        print(f"The input's column {name} is written as {written}.")
    labels = ", ".join(f"{count:,} {label}" for label, count in sorted(summary.labels.items()))
    cut = f" {summary.truncated:,} were not read to the end." if summary.truncated else ""
    print(
        f"Predicted {summary.texts:,} texts with {sealed.predictor().backend} "
        f"{sealed.opened().manifest.version}: "
        f"{labels}.{cut} Wrote {destination}"
    )
    for code, count in sorted(summary.warnings.items()):
        print(f"{count:,} answers have the warning {code} (column warnings).")


def _judge(model: SealedSentiment, options: SparkOptions | None) -> AbstractContextManager[Judge]:
    if options is None:
        return nullcontext(on_this_machine(model.predictor()))
    # Imported only where it is asked for: Spark may not be installed.
    spark = import_module("nlpinsight.batch.spark")
    return cast("AbstractContextManager[Judge]", spark.on_spark(model, options))
