"""The command line: train, evaluate, predict, explain, serve, generate.

What the exit codes mean is said in `servicekit.exits`.
"""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from modelseal.paths import printable
from servicekit.answer_warnings import WARNINGS
from servicekit.console import print_anywhere
from servicekit.exits import exits
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import check_places, open_model, sealed_text
from tqdm import tqdm

from bankchurn.cli.display import show_explanation, show_report
from bankchurn.schema import IDENTIFIERS

if TYPE_CHECKING:
    from modelseal import Manifest

    from bankchurn.model.predictor import ChurnPredictor

__all__ = ["app", "main"]

DEFAULT_MODEL: Final = Path("models/bankchurn")
DEFAULT_REPORTS: Final = Path("reports/bankchurn")
SAMPLE_ROWS: Final = 10_000
# More names than a person reads.
MAX_NAMES: Final = 10

app = typer.Typer(
    name="bankchurn",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Churn probability of a bank's customers, with exact explanations.",
)

ModelOption = Annotated[
    Path, typer.Option("--model", help="Folder of the sealed model.", show_default=True)
]
ReportsOption = Annotated[
    Path, typer.Option("--reports", help="Folder for evaluation.json and the plots.")
]


@app.command()
def train(  # noqa: PLR0917 - typer makes options of all of them
    data: Annotated[
        Path | None,
        typer.Option("--data", help="CSV or Parquet table. Default: generated sample data."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder to seal into.")] = DEFAULT_MODEL,
    reports: ReportsOption = DEFAULT_REPORTS,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 42,
    folds: Annotated[
        int, typer.Option(min=2, max=20, help="Number of cross-validation folds.")
    ] = 4,
    model_version: Annotated[
        str | None,
        typer.Option("--model-version", help="Version of this model. Default: derived."),
    ] = None,
) -> None:
    """Train on a table, evaluate on a fifth held out, seal the model, write the report."""
    from bankchurn import report as reporting  # noqa: PLC0415 - --help need not wait for sklearn
    from bankchurn.data.table import ignored_columns, load_table  # noqa: PLC0415
    from bankchurn.sample import generate_sample  # noqa: PLC0415
    from bankchurn.training import train as training  # noqa: PLC0415

    options = training.TrainingOptions(seed=seed, folds=folds)
    with exits(), tqdm(total=training.steps(options) + 1, unit="step", file=sys.stderr) as bar:

        def progress(step: str) -> None:
            bar.set_description(step)
            bar.update()

        progress("read and validate")
        if data is None:
            sample = generate_sample(SAMPLE_ROWS, seed=seed)
            table = sample.drop(columns=list(IDENTIFIERS))
            source, ignored = f"generated sample, seed {seed}", []
        else:
            table, source = load_table(data, for_training=True), printable(data.name)
            ignored = ignored_columns(data)
        check_places(out, reports, reporting.check_folder)
        trained = training.train(
            table,
            source=source,
            options=options,
            version_override=model_version,
            progress=progress,
        )
        manifest = training.seal(trained, out, progress=progress)
        progress("write the report")
        written = reporting.write_report(trained.report, reports)
    show_report(trained.report)
    _tell_ignored(ignored)
    print(f"\n{sealed_text(manifest, out)}")
    print("Wrote " + ", ".join(str(path) for path in written))


@app.command()
def evaluate(
    data: Annotated[Path, typer.Argument(help="CSV or Parquet table with the column Exited.")],
    model: ModelOption = DEFAULT_MODEL,
    reports: ReportsOption = DEFAULT_REPORTS,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Measure a sealed model on a table whose outcomes are known."""
    from bankchurn import report as reporting  # noqa: PLC0415
    from bankchurn.data.table import ignored_columns, load_table  # noqa: PLC0415
    from bankchurn.evaluation.evaluation import evaluate_sealed  # noqa: PLC0415

    with exits():
        predictor, manifest = _open(model, model_sha256, signer)
        table, ignored = load_table(data), ignored_columns(data)
        reporting.check_folder(reports)
        report = evaluate_sealed(predictor, manifest, table, source=printable(data.name))
        written = reporting.write_report(report, reports)
    show_report(report)
    _tell_ignored(ignored)
    print("\nWrote " + ", ".join(str(path) for path in written))


@app.command()
def predict(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="CSV or Parquet table.")],
    destination: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv or .parquet.")
    ],
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Score a file of customers. Writes the whole output, or, if any row is bad, nothing."""
    from bankchurn.batch import check_output, predict_file  # noqa: PLC0415
    from bankchurn.data.table_files import count_rows  # noqa: PLC0415
    from bankchurn.evaluation.evaluation import tell_unknown  # noqa: PLC0415

    with exits():
        # The mistakes that are cheap to see, before a model is loaded for nothing.
        total = count_rows(source)
        check_output(source, destination)
        predictor, manifest = _open(model, model_sha256, signer)
        with tqdm(total=total, unit=" customers", unit_scale=True, file=sys.stderr) as bar:
            summary = predict_file(predictor, source, destination, progress=bar.update)
    print(
        f"Scored {summary.customers:,} customers with {manifest.version}: "
        f"{summary.predicted_churn:,} predicted to leave. Wrote {destination}"
    )
    for sentence in tell_unknown(summary.unknown):
        print(sentence)
    if summary.marked:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.warnings.items())
        print(
            f"{summary.marked:,} answers are marked in the column {WARNINGS}, because the customer "
            f"lies outside of the training data: {kinds}"
        )


@app.command()
def explain(
    customer: Annotated[
        str, typer.Argument(help="A file with one customer as a JSON object, or - for stdin.")
    ],
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say what each feature contributes to one customer's probability."""
    from bankchurn.data.customer_file import read_customer  # noqa: PLC0415

    with exits():
        record = read_customer(customer)
        predictor, manifest = _open(model, model_sha256, signer)
        [answer] = predictor.answer([record], model_version=manifest.version, explain=True)
    if as_json:
        print(answer.model_dump_json(indent=2))
        return
    print(
        f"Probability of churn {answer.churn_probability:.4f} ({answer.risk_level}), "
        f"{'above' if answer.churn_prediction else 'below'} the threshold {answer.threshold:.4f}"
    )
    for warning in answer.warnings:
        print(f"Warning ({warning.code}): {warning.message}")
    if answer.explanation is not None:
        show_explanation(record, answer.explanation)


@app.command()
def serve() -> None:
    """Serve the sealed model over HTTP until SIGTERM or SIGINT.

    Settings are environment variables, such as MODEL_DIR, PORT and MODEL_SIGNERS; the README of
    libs/servicekit lists them all. With APP_ENV=production, unsafe settings are refused.
    """
    from servicekit import serve as serve_app  # noqa: PLC0415

    from bankchurn.api import create_app  # noqa: PLC0415

    serve_app(create_app())


@app.command()
def generate(
    destination: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv or .parquet.")
    ],
    rows: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="Number of customers.")
    ] = SAMPLE_ROWS,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 42,
    blank_tenure: Annotated[
        float, typer.Option(min=0, max=1, help="Share of customers with unknown Tenure.")
    ] = 0.09,
) -> None:
    """Write synthetic customers in the form of the real table, to try things out."""
    from bankchurn.data.table_files import TableWriter  # noqa: PLC0415
    from bankchurn.sample import generate_sample  # noqa: PLC0415

    with exits(), TableWriter(destination) as writer:
        writer.write(generate_sample(rows, seed=seed, blank_share=blank_tenure))
    print(f"Wrote {rows:,} synthetic customers to {destination}")


def main() -> None:
    """Run the command line."""
    print_anywhere()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    app()


def _tell_ignored(columns: list[str]) -> None:
    if not columns:
        return
    shown = ", ".join(map(repr, columns[:MAX_NAMES]))
    more = f" and {len(columns) - MAX_NAMES:,} more" if len(columns) > MAX_NAMES else ""
    print(f"Notice: columns that are no inputs are ignored ({len(columns):,}): {shown}{more}")


def _open(
    model: Path, sha256: str | None, signers: list[str] | None
) -> "tuple[ChurnPredictor, Manifest]":
    from bankchurn.model.predictor import ChurnPredictor  # noqa: PLC0415

    opened, predictor = open_model(model, sha256, signers, name="bankchurn", kind=ChurnPredictor)
    return predictor, opened.manifest
