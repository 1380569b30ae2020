"""What several commands do: read texts, finish a training, open a model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from servicekit.files import DataError
from servicekit.models import check_places, sealed_text
from tqdm import tqdm

if TYPE_CHECKING:
    from modelseal import OpenedModel
    from servicekit.training_rows import Overlap

    from nlpinsight.data.corpus import Corpus
    from nlpinsight.data.labels import LabelMap
    from nlpinsight.model import SentimentModel
    from nlpinsight.training.sealing import Learned
    from nlpinsight.training.trained_model import Made

__all__ = [
    "SAMPLE_TEXTS",
    "finish",
    "open_model",
    "read_both",
    "read_label_map",
    "read_stdin",
    "read_texts",
    "tell_form",
    "training_overlap",
]

SAMPLE_TEXTS: Final = 4_000

_MAX_STDIN: Final = 2**20


def read_label_map(given: str | None) -> "LabelMap | None":
    """What was given with ``--labels``.

    Raises:
        DataError: It is no label map.
    """
    from nlpinsight.data.labels import parse_label_map  # noqa: PLC0415

    return None if given is None else parse_label_map(given)


def read_texts(data: Path | None, label_map: "LabelMap | None", seed: int) -> "Corpus":
    """Labelled texts from a file; generated ones where there is none."""
    from nlpinsight.data.corpus import load_corpus  # noqa: PLC0415
    from nlpinsight.sample import generate_sample  # noqa: PLC0415

    if data is None:
        return generate_sample(SAMPLE_TEXTS, seed=seed)
    corpus = load_corpus(data, label_map)
    tell_form(data, corpus.read_as)
    return corpus


def tell_form(path: Path, read_as: str) -> None:
    """Tell on stderr in what form a file is read where its name does not say it."""
    if path.suffix.lower() not in (".csv", ".jsonl", ".ndjson"):
        typer.echo(f"{path} is read as {read_as}.", err=True)


def read_both(  # noqa: PLR0917 - what the command was given
    data: Path | None,
    valid: Path | None,
    label_map: "LabelMap | None",
    out: Path,
    reports: Path,
    seed: int,
) -> "tuple[Learned, Corpus]":
    """Read what to train with, and refuse places that cannot be written, before the training."""
    from nlpinsight.report import check_folder  # noqa: PLC0415
    from nlpinsight.training.sealing import make_ready  # noqa: PLC0415

    corpus = read_texts(data, label_map, seed)
    held_out = read_texts(valid, label_map, seed) if valid is not None else None
    check_places(out, reports, check_folder)
    return make_ready(corpus, held_out, seed=seed)


def finish(
    made: "Made",
    held_out: "Corpus",
    learned: "Learned | None",
    *,
    out: Path,
    reports: Path,
    model_version: str | None,
) -> None:
    """Measure what was made, seal it, write the report, and show it."""
    from nlpinsight.cli.display import show_report  # noqa: PLC0415
    from nlpinsight.report import write_report  # noqa: PLC0415
    from nlpinsight.training import sealing as training  # noqa: PLC0415

    with tqdm(total=len(held_out), unit=" texts", file=sys.stderr) as bar:
        bar.set_description("evaluate")
        trained = training.finish(
            made, held_out, learned, version_override=model_version, progress=bar.update
        )
        bar.set_description("seal, proving it in a fresh process")
        manifest = training.seal(trained, out)
        bar.set_description("sealed")
    written = write_report(trained.report, reports)
    show_report(trained.report)
    typer.echo(f"\nBack end: {trained.report.model}\n{sealed_text(manifest, out)}\nWrote {written}")


def open_model(
    model: Path, sha256: str | None, signers: list[str] | None
) -> "tuple[SentimentModel, OpenedModel]":
    """Open a sealed model of this service, of either back end."""
    from servicekit.models import open_model as open_own  # noqa: PLC0415

    from nlpinsight.model import SentimentModel  # noqa: PLC0415

    # A protocol serves isinstance as well as a class does.
    kind: type[SentimentModel] = SentimentModel  # type: ignore[type-abstract]
    opened, predictor = open_own(model, sha256, signers, name="nlpinsight", kind=kind)
    return predictor, opened


def training_overlap(opened: "OpenedModel", corpus: "Corpus") -> "Overlap | None":
    """How many texts a model was trained on; None where it was sealed without their digests."""
    from servicekit.training_rows import ROW_SKETCH, RowSketch  # noqa: PLC0415

    from nlpinsight.data.leakage import digest_texts  # noqa: PLC0415

    sketch = opened.manifest.data.get(ROW_SKETCH)
    if not isinstance(sketch, dict):
        return None
    return RowSketch.from_json(sketch).overlap(digest_texts(corpus.texts))


def read_stdin() -> str:
    """One text from standard input.

    Raises:
        DataError: It is longer than any text that is worth explaining, or not UTF-8.
    """
    given = sys.stdin.buffer.read(_MAX_STDIN + 1)
    if len(given) > _MAX_STDIN:
        raise DataError(f"The text on stdin is longer than {_MAX_STDIN:,} bytes. Give less of it.")
    try:
        return given.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"The text on stdin is not UTF-8 at byte {error.start}. Convert it, for example with "
            "iconv -f WINDOWS-1252 -t UTF-8."
        ) from error
