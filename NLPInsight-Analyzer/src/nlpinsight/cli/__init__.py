"""The command line: train, export, evaluate, predict, explain, serve, generate.

What the exit codes mean is said in `servicekit.exits`. Which back end evaluates, predicts,
explains and serves is what the sealed model says it is for.
"""

import logging
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from modelseal.paths import printable
from servicekit.console import print_anywhere
from servicekit.exits import exits
from servicekit.files import DataError
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import check_places
from tqdm import tqdm

from nlpinsight.cli.cross_validate import cross_validate
from nlpinsight.cli.options import (
    DataOption,
    LabelsOption,
    LengthOption,
    ModelOption,
    OutOption,
    ReportsOption,
    RevisionOption,
    SeedOption,
    ValidOption,
    VersionOption,
)
from nlpinsight.cli.shared import (
    SAMPLE_TEXTS,
    finish,
    open_model,
    read_both,
    read_label_map,
    read_stdin,
    read_texts,
    tell_form,
    training_overlap,
)
from nlpinsight.schema import Backend, Label
from nlpinsight.training.finetuning.options import Precision

__all__ = ["app", "main"]

DEFAULT_MODEL: Final = Path("models/nlpinsight")
DEFAULT_REPORTS: Final = Path("reports/nlpinsight")

app = typer.Typer(
    name="nlpinsight",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The sentiment of financial text: negative, neutral or positive.",
)


@app.command()
def train(  # noqa: PLR0917 - typer makes options of all of them
    backend: Annotated[Backend, typer.Option(help="What to train.")] = "tfidf",
    data: DataOption = None,
    valid: ValidOption = None,
    labels: LabelsOption = None,
    out: OutOption = DEFAULT_MODEL,
    reports: ReportsOption = DEFAULT_REPORTS,
    seed: SeedOption = 42,
    model_version: VersionOption = None,
    base: Annotated[
        str,
        typer.Option(help="transformer: the pinned package, a folder, or a name on the hub."),
    ] = "all-MiniLM-L6-v2",
    revision: RevisionOption = None,
    folds: Annotated[
        int, typer.Option(min=2, max=20, help="transformer: trainings that each leave a fold out.")
    ] = 3,
    epochs: Annotated[
        int, typer.Option(min=1, max=50, help="transformer: epochs of each training.")
    ] = 4,
    precision: Annotated[
        Precision | None,
        typer.Option(
            help="transformer: what matrices are multiplied in. bfloat16 where the processor has "
            "AMX, float32 elsewhere, unless given."
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=128, help="transformer: per step.")] = 32,
    max_length: LengthOption = 64,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="transformer: that torch computes with. At most 2 unless given."),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(help="transformer: folder for what survives a kill. Beside the model's."),
    ] = None,
) -> None:
    """Train on labelled texts, measure on held-out ones, seal the model, write the report.

    A transformer that was interrupted goes on where it stopped when the same command is given.
    """
    from nlpinsight.training import trained_model as making  # noqa: PLC0415 - --help need not wait for numpy

    with exits():
        if backend == "transformer":
            making.check_training_environment()
        label_map = read_label_map(labels)
        learned, held_out = read_both(data, valid, label_map, out, reports, seed)
        if backend == "tfidf":
            made = making.make_tfidf(learned.corpus, held_out)
            finish(made, held_out, learned, out=out, reports=reports, model_version=model_version)
            return
        from nlpinsight.training.finetuning.base import find_weights  # noqa: PLC0415
        from nlpinsight.training.finetuning.computing import default_precision  # noqa: PLC0415
        from nlpinsight.training.finetuning.options import (  # noqa: PLC0415
            FinetuneOptions,
            default_threads,
        )

        options = FinetuneOptions(
            folds=folds,
            epochs=epochs,
            precision=precision or default_precision(),
            batch_size=batch_size,
            max_length=max_length,
            seed=seed,
            threads=threads or default_threads(),
        )
        work = work or out.parent / f".work-{out.name}"
        with tqdm(unit="step", file=sys.stderr) as bar:

            def progress(done: int, total: int, step: str) -> None:
                bar.total = total
                bar.set_description(step, refresh=False)
                bar.update(done - bar.n)

            made = making.make_transformer(
                learned.corpus,
                held_out,
                weights=find_weights(base, revision),
                options=options,
                work=work,
                progress=progress,
            )
        finish(made, held_out, learned, out=out, reports=reports, model_version=model_version)
        making.discard_work(work)


app.command()(cross_validate)


@app.command()
def export(  # noqa: PLR0917 - typer makes options of all of them
    classifier: Annotated[
        str,
        typer.Argument(help="A folder, or a name on the hub such as ProsusAI/finbert."),
    ],
    revision: RevisionOption = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    out: OutOption = DEFAULT_MODEL,
    reports: ReportsOption = DEFAULT_REPORTS,
    seed: SeedOption = 42,
    model_version: VersionOption = None,
    max_length: LengthOption = 64,
) -> None:
    """Make a sealed model of a transformer that was fine-tuned elsewhere.

    The labelled texts are what it is measured on, and int8 is compared with fp32 on.
    """
    from nlpinsight.data.corpus import judgeable  # noqa: PLC0415
    from nlpinsight.training import trained_model as making  # noqa: PLC0415

    with exits():
        making.check_training_environment()
        from nlpinsight.report import check_folder  # noqa: PLC0415
        from nlpinsight.training.finetuning.base import find_weights  # noqa: PLC0415

        held_out = judgeable(read_texts(data, read_label_map(labels), seed))
        check_places(out, reports, check_folder)
        made = making.make_exported(
            held_out, weights=find_weights(classifier, revision), max_length=max_length
        )
        finish(made, held_out, None, out=out, reports=reports, model_version=model_version)


@app.command()
def evaluate(  # noqa: PLR0917 - typer makes options of all of them
    data: Annotated[Path, typer.Argument(help="Labelled texts, in any form that train reads.")],
    labels: LabelsOption = None,
    model: ModelOption = DEFAULT_MODEL,
    reports: ReportsOption = DEFAULT_REPORTS,
    training: Annotated[
        Path | None,
        typer.Option(help="File with the texts that the model learned from, to count near-copies."),
    ] = None,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Measure a sealed model on labelled texts."""
    from nlpinsight import report as reporting  # noqa: PLC0415
    from nlpinsight.cli.display import show_report  # noqa: PLC0415
    from nlpinsight.data.corpus import judgeable, load_texts  # noqa: PLC0415
    from nlpinsight.evaluation.metrics import Report  # noqa: PLC0415
    from nlpinsight.evaluation.metrics import evaluate as measure  # noqa: PLC0415

    with exits():
        corpus = judgeable(read_texts(data, read_label_map(labels), seed=0))
        if not len(corpus):
            raise DataError(f"{data} has no text to judge. Give other texts.")
        learned = load_texts(training) if training is not None else None
        reporting.check_folder(reports)
        predictor, opened = open_model(model, model_sha256, signer)
        overlap = training_overlap(opened, corpus)
        with tqdm(total=len(corpus), unit=" texts", file=sys.stderr) as bar:
            evaluation = measure(
                predictor, corpus, training=learned, overlap=overlap, progress=bar.update
            )
        report = Report(
            model=predictor.backend,
            model_version=opened.manifest.version,
            data=corpus.describe(),
            training={"source": printable(training.name), "texts": len(learned)}
            if training is not None and learned is not None
            else None,
            evaluation=evaluation,
        )
        written = reporting.write_report(report, reports)
    show_report(report)
    print(
        overlap.sentence("texts")
        if overlap
        else "Whether the model was trained on these texts is not known: its seal does not say."
    )
    print(f"\nWrote {written}")


@app.command()
def predict(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help=".csv or .jsonl with text, or .txt with one text, or sentence@label, per line; "
            "also compressed (.gz).",
        ),
    ],
    destination: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv or .jsonl.")
    ],
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Judge a file of texts. Writes the whole output, or, if any row is bad, nothing."""
    from nlpinsight.batch.predict_file import check_files, predict_file  # noqa: PLC0415
    from nlpinsight.batch.result_file import check_results  # noqa: PLC0415
    from nlpinsight.data.file_kinds import check_file  # noqa: PLC0415

    with exits():
        # The mistakes that are cheap to see, before a model is loaded for nothing.
        check_file(source)
        check_results(destination)
        check_files(source, destination)
        predictor, opened = open_model(model, model_sha256, signer)
        with tqdm(unit=" texts", unit_scale=True, file=sys.stderr) as bar:
            summary = predict_file(predictor, source, destination, progress=bar.update)
    tell_form(source, summary.read_as)
    for name, written in sorted(summary.renamed.items()):
        print(f"The input's column {name} is written as {written}.")
    labels = ", ".join(f"{count:,} {label}" for label, count in sorted(summary.labels.items()))
    cut = f" {summary.truncated:,} were not read to their end." if summary.truncated else ""
    print(
        f"Judged {summary.texts:,} texts with {predictor.backend} {opened.manifest.version}: "
        f"{labels}.{cut} Wrote {destination}"
    )
    for code, count in sorted(summary.warnings.items()):
        print(f"{count:,} answers carry the warning {code} (column warnings).")


@app.command()
def explain(  # noqa: PLR0917 - typer makes options of all of them
    text: Annotated[str, typer.Argument(help="The text, or - to read it from stdin.")],
    model: ModelOption = DEFAULT_MODEL,
    label: Annotated[
        Label | None, typer.Option(help="The label to explain. The predicted one unless given.")
    ] = None,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say which words of a text moved the decision."""
    from nlpinsight.cli.display import show_explanation  # noqa: PLC0415
    from nlpinsight.explain import explain as explained  # noqa: PLC0415
    from nlpinsight.model import judge  # noqa: PLC0415
    from nlpinsight.text.normalisation import EmptyTextError  # noqa: PLC0415

    with exits():
        given = read_stdin() if text == "-" else text
        predictor, _ = open_model(model, model_sha256, signer)
        try:
            [sentiment] = judge(predictor, [given])
            explanation = explained(predictor, given, label=label)
        except EmptyTextError as error:
            raise DataError(str(error)) from error
    if as_json:
        print(explanation.model_dump_json(indent=2))
    else:
        show_explanation(sentiment, explanation)


@app.command()
def serve() -> None:
    """Serve the sealed model over HTTP until told to stop.

    Settings are environment variables, such as MODEL_DIR, PORT and MODEL_SIGNERS; the README of
    libs/servicekit lists them all. With APP_ENV=production, unsafe settings are refused.
    """
    from servicekit import serve as serve_app  # noqa: PLC0415

    from nlpinsight.api import create_app  # noqa: PLC0415

    serve_app(create_app())


@app.command()
def generate(
    destination: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv or .jsonl.")
    ],
    texts: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = SAMPLE_TEXTS,
    seed: SeedOption = 42,
) -> None:
    """Write synthetic headlines with labels, to try things out."""
    from nlpinsight.batch.result_file import ResultWriter  # noqa: PLC0415
    from nlpinsight.sample import generate_sample  # noqa: PLC0415

    with exits(), ResultWriter(destination) as writer:
        sample = generate_sample(texts, seed=seed)
        for text, label in zip(sample.texts, sample.labels, strict=True):
            writer.write([("text", text), ("label", label)])
    print(f"Wrote {texts:,} synthetic headlines to {destination}")


def main() -> None:
    """Run the command line."""
    print_anywhere()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    app()
