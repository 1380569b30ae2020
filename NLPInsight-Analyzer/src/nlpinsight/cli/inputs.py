"""Reads the inputs of commands and opens their models."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from modelseal import OpenedModel
from servicekit import models
from servicekit.files import DataError

from nlpinsight.cli import options as opt
from nlpinsight.data.corpus import Corpus, load_corpus
from nlpinsight.data.labels import LabelMap
from nlpinsight.model import SentimentModel
from nlpinsight.sample import generate_sample
from nlpinsight.sealed_model import SealedSentiment

_MAX_STDIN: Final = 2**20


def read_texts(data: Path | None, label_map: LabelMap | None, seed: int) -> Corpus:
    """Read labelled texts from a file, or generate sample data if there is none."""
    if data is None:
        return generate_sample(opt.SAMPLE_TEXTS, seed=seed)
    corpus = load_corpus(data, label_map)
    print_format(data, corpus.read_as)
    return corpus


def print_format(path: Path, read_as: str) -> None:
    """Print on stderr the format of a file whose name does not tell it."""
    if path.suffix.lower() not in (".csv", ".jsonl", ".ndjson"):
        print(f"{path} is read as {read_as}.", file=sys.stderr)


def read_stdin() -> str:
    """Read one text from standard input.

    Raises:
        DataError: It is too long, or not UTF-8.
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


def open_model(
    folder: Path, sha256: str | None, signers: Sequence[str] | None
) -> tuple[OpenedModel, SentimentModel]:
    """Open a sealed model of this service, of either back end."""
    sealed = SealedSentiment
    return models.open_model(folder, sha256, signers, name=sealed.name, kind=sealed.kind)
