"""``{{ package }} train``."""

from pathlib import Path
from typing import Annotated

import typer
from modelseal.path_kinds import printable
from modelwatch.tracking.after_work import record_or_exit
from servicekit.cli_errors import handle_errors
from servicekit.models import check_outputs, sealed_message
from servicekit.progress import progress

from {{ package }}.cli import options as opt
from {{ package }}.data import Table, load_table
from {{ package }}.evaluation import check_folder, write_report
from {{ package }}.features import known_values
from {{ package }}.sample import generate_sample
from {{ package }}.training import STEPS, seal, train


def command(
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="CSV table to train on. Default: generated sample data."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the sealed model.")] = opt.DEFAULT_MODEL,
    reports: opt.Reports = opt.DEFAULT_REPORTS,
    seed: opt.Seed = 42,
    model_version: Annotated[
        str | None,
        typer.Option(
            help="Version of the model. Default: derived from the data, the seed and the "
            "versions of the libraries."
        ),
    ] = None,
) -> None:
    """Train on a table, evaluate on a fifth held out, seal the model, write the report."""
    with handle_errors(), progress("Training", total=STEPS + 1) as advance:
        advance(step="read and validate")
        if data is None:
            records, target = generate_sample(seed=seed)
            table, source = Table(known_values(records), target), f"generated sample, seed {seed}"
        else:
            table, source = load_table(data), printable(data.name)
        check_outputs(out, reports, check_folder)
        trained = train(
            table, source=source, seed=seed, version_override=model_version, advance=advance
        )
        manifest = seal(trained, out, advance=advance)
        written = write_report(trained.report, reports)
    opt.show_report(trained.report)
    print(f"\n{sealed_message(manifest, out)}\nWrote {written}")
    record_or_exit(out, reports)
