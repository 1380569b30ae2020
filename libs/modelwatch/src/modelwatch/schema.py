"""The declaration of what a service logs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from modelwatch.errors import SchemaError

__all__ = [
    "PREDICTIONS",
    "SHADOW",
    "Kind",
    "LogSchema",
    "feature_column",
    "key_column",
    "output_column",
]

PREDICTIONS: Final = "predictions"
"""The folder of a log with the answers that clients got."""

SHADOW: Final = "shadow"
"""The folder of a log with the answers of the challenger to the same requests."""

Kind = Literal["number", "category", "text"]
"""What a value is: a number (also 0 and 1), one of few levels, or free text."""

# PostgreSQL cuts names of columns at 63 characters, prefix included.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,54}")


@dataclass(frozen=True)
class LogSchema:
    """What a service logs of each answer. Values that are not declared here are never logged.

    Attributes:
        features: Kind of each logged feature. Identifiers do not belong here. Features of the kind
            ``text`` are logged only if the operator asks for them.
        outputs: Kind of each logged output: numbers and categories.
        groups: Features by which reports compare groups: numbers or categories.
        key: Kind of each part of the business key by which outcomes may arrive instead of the
            prediction id; empty for none.

    Raises:
        SchemaError: A name or a kind is not valid, or a group is not a feature.
    """

    features: Mapping[str, Kind]
    outputs: Mapping[str, Kind]
    groups: tuple[str, ...] = ()
    key: Mapping[str, Kind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the declaration."""
        for part, kinds in (
            ("feature", self.features),
            ("output", self.outputs),
            ("key", self.key),
        ):
            allowed = get_args(Kind) if part == "feature" else ("number", "category")
            for name, kind in kinds.items():
                if not _NAME.fullmatch(name) or kind not in allowed:
                    raise SchemaError(
                        f"The {part} {name!r} of the kind {kind!r} cannot be logged.",
                        remedy="Use at most 55 letters, digits and underscores, and one of these "
                        f"kinds: {', '.join(allowed)}.",
                    )
        if not self.outputs:
            raise SchemaError("No output is declared.", remedy="Declare at least one output.")
        for name in self.groups:
            if self.features.get(name, "text") == "text":
                raise SchemaError(
                    f"The group {name!r} is not a logged number or category.",
                    remedy="Declare it as a feature.",
                )


def feature_column(name: str) -> str:
    """The column of a feature in the log."""
    return f"feature.{name}"


def output_column(name: str) -> str:
    """The column of an output in the log."""
    return f"output.{name}"


def key_column(name: str) -> str:
    """The column of a part of the business key in the log."""
    return f"key.{name}"
