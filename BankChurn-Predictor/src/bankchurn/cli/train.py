"""``bankchurn train``."""

from pathlib import Path
from typing import Annotated

import typer
from modelseal.path_kinds import printable
from modelwatch.tracking.after_work import record_or_exit
from servicekit.cli_errors import handle_errors
from servicekit.models import check_outputs, sealed_message
from servicekit.progress import progress

from bankchurn.cli import options as opt
from bankchurn.cli.display import show_ignored, show_report, show_written
from bankchurn.data.table import ignored_columns, load_table
from bankchurn.report import check_folder, write_report
from bankchurn.sample import generate_sample
from bankchurn.schema import FEATURES, TARGET
from bankchurn.training.train import TrainingOptions, seal, steps, train


def command(
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet table to train on. Default: generated sample data."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the sealed model.")] = opt.DEFAULT_MODEL,
    reports: opt.Reports = opt.DEFAULT_REPORTS,
    seed: opt.Seed = 42,
    folds: Annotated[
        int, typer.Option(min=2, max=20, help="Number of cross-validation folds.")
    ] = 4,
    model_version: Annotated[
        str | None,
        typer.Option(
            help="Version of the model. Default: derived from the data, the options and the "
            "versions of the libraries."
        ),
    ] = None,
) -> None:
    """Train on a table, evaluate on a fifth held out, seal the model, write the report."""
    options = TrainingOptions(seed=seed, folds=folds)
    with handle_errors(), progress("Training", total=steps(options) + 2) as advance:
        advance(step="read and validate")
        if data is None:
            table = generate_sample(opt.SAMPLE_ROWS, seed=seed)[[*FEATURES, TARGET]]
            source, ignored = f"generated sample, seed {seed}", []
        else:
            table, source = load_table(data, for_training=True), printable(data.name)
            ignored = ignored_columns(data)
        check_outputs(out, reports, check_folder)
        trained = train(
            table, source=source, options=options, version_override=model_version, advance=advance
        )
        manifest = seal(trained, out, advance=advance)
        advance(step="write the report")
        written = write_report(trained.report, reports)
    show_report(trained.report)
    show_ignored(ignored)
    print(f"\n{sealed_message(manifest, out)}")
    show_written(written)
    record_or_exit(out, reports)
