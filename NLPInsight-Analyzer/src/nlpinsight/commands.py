"""What several commands do: read texts, finish a training, open a model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from servicekit.files import DataError
from servicekit.models import check_places
from tqdm import tqdm

if TYPE_CHECKING:
    from pinproof import OpenedModel

    from nlpinsight.data import Corpus
    from nlpinsight.making import Made
    from nlpinsight.model import SentimentModel
    from nlpinsight.train import Learned

__all__ = [
    "SAMPLE_TEXTS",
    "finish",
    "open_model",
    "read_both",
    "read_stdin",
    "read_texts",
]

SAMPLE_TEXTS: Final = 4_000

_MAX_STDIN: Final = 2**20


def read_texts(data: Path | None, seed: int) -> "Corpus":
    """Labelled texts from a file; generated ones where there is none."""
    from nlpinsight.data import load_corpus  # noqa: PLC0415
    from nlpinsight.sample import generate_sample  # noqa: PLC0415

    return generate_sample(SAMPLE_TEXTS, seed=seed) if data is None else load_corpus(data)


def read_both(
    data: Path | None, valid: Path | None, out: Path, reports: Path, seed: int
) -> "tuple[Learned, Corpus]":
    """Read what to train with, and refuse places that cannot be written, before the training."""
    from nlpinsight.data import load_corpus  # noqa: PLC0415
    from nlpinsight.report import check_folder  # noqa: PLC0415
    from nlpinsight.train import make_ready  # noqa: PLC0415

    corpus = read_texts(data, seed)
    held_out = load_corpus(valid) if valid is not None else None
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
    from nlpinsight import train as training  # noqa: PLC0415
    from nlpinsight.display import show_report  # noqa: PLC0415
    from nlpinsight.report import write_report  # noqa: PLC0415

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
    typer.echo(f"\nSealed {manifest.name} {manifest.version} ({trained.report.model}) in {out}")
    typer.echo(f"Wrote {written}")


def open_model(model: Path, sha256: str | None) -> "tuple[SentimentModel, OpenedModel]":
    """Open a sealed model of this service, of either back end."""
    from servicekit.models import open_model as open_own  # noqa: PLC0415

    from nlpinsight.model import SentimentModel  # noqa: PLC0415

    # A protocol serves isinstance as well as a class does.
    kind: type[SentimentModel] = SentimentModel  # type: ignore[type-abstract]
    opened, predictor = open_own(model, sha256, name="nlpinsight", kind=kind)
    return predictor, opened


def read_stdin() -> str:
    """One text from standard input.

    Raises:
        DataError: It is longer than any text that is worth explaining.
    """
    given = sys.stdin.buffer.read(_MAX_STDIN + 1)
    if len(given) > _MAX_STDIN:
        raise DataError(f"The text on stdin is longer than {_MAX_STDIN:,} bytes. Give less of it.")
    return given.decode(errors="replace")
