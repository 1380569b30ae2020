"""``nlpinsight evaluate``."""

from pathlib import Path
from typing import Annotated

import typer
from modelseal.path_kinds import printable
from servicekit.cli_errors import handle_errors
from servicekit.files import DataError
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.progress import progress
from servicekit.training_rows import ROW_SKETCH, RowSketch

from nlpinsight.cli import options as opt
from nlpinsight.cli.display import show_report
from nlpinsight.cli.inputs import open_model, read_texts
from nlpinsight.data.corpus import judgeable, load_texts
from nlpinsight.data.labels import parse_label_map
from nlpinsight.data.leakage import digest_texts
from nlpinsight.evaluation.evaluation import Report, evaluate
from nlpinsight.report import check_folder, write_report


def command(
    *,
    data: Annotated[
        Path, typer.Argument(help="File of labelled texts, in any format that train reads.")
    ],
    labels: opt.Labels = None,
    model: opt.Model = opt.DEFAULT_MODEL,
    reports: opt.Reports = opt.DEFAULT_REPORTS,
    training: Annotated[
        Path | None,
        typer.Option(help="File of the model's training texts, to count near-duplicates."),
    ] = None,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Evaluate a sealed model on labelled texts."""
    with handle_errors():
        label_map = parse_label_map(labels) if labels is not None else None
        corpus = judgeable(read_texts(data, label_map, seed=0))
        if not len(corpus):
            raise DataError(f"{data} has no text to judge. Give other texts.")
        texts = load_texts(training) if training is not None else None
        check_folder(reports)
        opened, predictor = open_model(model, model_sha256, signer)
        sketch = opened.manifest.data.get(ROW_SKETCH)
        overlap = (
            RowSketch.from_json(sketch).overlap(digest_texts(corpus.texts))
            if isinstance(sketch, dict)
            else None
        )
        with progress("Evaluating", total=len(corpus), unit="texts") as advance:
            evaluation = evaluate(
                predictor, corpus, training=texts, overlap=overlap, advance=advance
            )
        report = Report(
            model=predictor.backend,
            model_version=opened.manifest.version,
            data=corpus.describe(),
            training={"source": printable(training.name), "texts": len(texts)}
            if training is not None and texts is not None
            else None,
            evaluation=evaluation,
        )
        written = write_report(report, reports)
    show_report(report)
    print(
        overlap.sentence("texts")
        if overlap
        else "The model does not record its training texts; whether these are among them is "
        "unknown."
    )
    print(f"\nWrote {written}")
