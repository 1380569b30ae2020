"""Opens the sealed model of a command."""

from collections.abc import Sequence
from pathlib import Path

from modelseal import OpenedModel
from servicekit import models

from nlpinsight.model import SentimentModel


def open_model(
    folder: Path, sha256: str | None, signers: Sequence[str] | None
) -> tuple[OpenedModel, SentimentModel]:
    """Open a sealed model of this service, of either back end."""
    # isinstance accepts the protocol like a class.
    kind: type[SentimentModel] = SentimentModel  # type: ignore[type-abstract]
    return models.open_model(folder, sha256, signers, name="nlpinsight", kind=kind)
