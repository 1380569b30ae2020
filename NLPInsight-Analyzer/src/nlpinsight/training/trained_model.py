"""A trained model of either back end, before it is evaluated and sealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from pydantic import JsonValue


@dataclass(frozen=True)
class TrainedModel:
    """A model that can be sealed.

    Attributes:
        files: The model's files by name.
        parameters: Options of the training: with the texts, all that the model depends on.
        libraries: Versions of the libraries, on which the model also depends.
        details: Further results, specific to the back end.
        seconds: Duration of the training.
    """

    files: dict[str, bytes]
    parameters: dict[str, JsonValue]
    libraries: Mapping[str, str]
    details: dict[str, JsonValue]
    seconds: float


def versions_of(*distributions: str) -> dict[str, str]:
    """The installed versions of distributions, by name."""
    return {name: version(name) for name in distributions}
