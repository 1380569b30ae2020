"""``nlpinsight predict``."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.progress import progress

from nlpinsight.batch.predict_file import check_files, predict_file
from nlpinsight.batch.result_file import check_results
from nlpinsight.cli import options as opt
from nlpinsight.cli.inputs import open_model, print_format
from nlpinsight.data.file_kinds import check_file


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
) -> None:
    """Predict the sentiment of a file of texts.

    Writes the whole output or, if any row is invalid, nothing.
    """
    with handle_errors():
        # Cheap checks first, before a model is loaded.
        check_file(source)
        check_results(destination)
        check_files(source, destination)
        opened, predictor = open_model(model, model_sha256, signer)
        with progress("Predicting", unit="texts") as advance:
            summary = predict_file(predictor, source, destination, advance=advance)
    print_format(source, summary.read_as)
    for name, written in sorted(summary.renamed.items()):
        print(f"The input's column {name} is written as {written}.")
    labels = ", ".join(f"{count:,} {label}" for label, count in sorted(summary.labels.items()))
    cut = f" {summary.truncated:,} were not read to the end." if summary.truncated else ""
    print(
        f"Predicted {summary.texts:,} texts with {predictor.backend} {opened.manifest.version}: "
        f"{labels}.{cut} Wrote {destination}"
    )
    for code, count in sorted(summary.warnings.items()):
        print(f"{count:,} answers have the warning {code} (column warnings).")
