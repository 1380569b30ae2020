"""The closure record: the dependencies of a service's pins when they were last resolved."""

import json
from typing import Literal

from modelseal.records import first_error
from packaging.requirements import InvalidRequirement, Requirement
from pydantic import BaseModel, ConfigDict, ValidationError

RECORD_FILE = "pins-closure.json"
"""The name of the record in the folder of a service."""


class ClosureError(ValueError):
    """The text is not a closure record of a known format."""


class RecordedPin(BaseModel):
    """A distribution that a file requires, directly or indirectly.

    Attributes:
        pin: Its requirement in the file.
        via: The distributions that require it; empty if only the file does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pin: str
    via: tuple[str, ...]

    @property
    def requirement(self) -> Requirement:
        """The parsed requirement.

        Raises:
            ClosureError: The text is not a requirement.
        """
        try:
            return Requirement(self.pin)
        except InvalidRequirement as error:
            raise ClosureError(f"{self.pin!r} is not a requirement") from error


class Closure(BaseModel):
    """The record of one service.

    Attributes:
        format: The version of this format.
        pythons: The minor versions of Python that it was resolved for.
        platforms: The platforms that it was resolved for.
        excluded: The excluded distributions.
        files: The distributions that each requirements file requires, by its name; without those
            of the file that it builds on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    pythons: tuple[str, ...]
    platforms: tuple[str, ...]
    excluded: tuple[str, ...]
    files: dict[str, tuple[RecordedPin, ...]]


def parse_closure(text: str) -> Closure:
    """Parse a record.

    Raises:
        ClosureError: The text is not a record.
    """
    try:
        return Closure.model_validate_json(text)
    except ValidationError as error:
        raise ClosureError(f"it is not a closure record ({first_error(error)})") from error


def dump_closure(closure: Closure) -> str:
    """Write a record as JSON, with one distribution on a line for readable diffs."""
    fields = closure.model_dump(mode="json")
    files = fields.pop("files")
    parts = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items()]
    listed = [
        f"    {json.dumps(name)}: [\n"
        + ",\n".join(f"      {json.dumps(pin)}" for pin in pins)
        + "\n    ]"
        for name, pins in files.items()
    ]
    parts.append('  "files": {\n' + ",\n".join(listed) + "\n  }")
    return "{\n" + ",\n".join(parts) + "\n}\n"
