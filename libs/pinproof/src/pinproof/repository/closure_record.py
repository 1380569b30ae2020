"""The closure record: what each service's pins led to when they were last resolved."""

import json
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = [
    "RECORD_FILE",
    "Closure",
    "ClosureError",
    "RecordedPin",
    "dump_closure",
    "parse_closure",
]

RECORD_FILE = "pins-closure.json"
"""The record's name, in the folder of a service."""


class ClosureError(ValueError):
    """The text is no closure record of a format that is known here."""


class RecordedPin(BaseModel):
    """One distribution that a file leads to.

    Attributes:
        pin: The requirement that bounds it, as the file states it.
        via: The distributions that ask for it; none for what only the file itself asks for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pin: str
    via: tuple[str, ...]

    @property
    def requirement(self) -> Requirement:
        """The requirement, parsed.

        Raises:
            ClosureError: It is none.
        """
        try:
            return Requirement(self.pin)
        except InvalidRequirement as error:
            raise ClosureError(f"{self.pin!r} is no requirement") from error


class Closure(BaseModel):
    """The record of one service.

    Attributes:
        format: The version of this format.
        pythons: The minor versions of Python that it was resolved for.
        platforms: The platforms that it was resolved for.
        excluded: The distributions that were left out.
        files: By the name of a requirements file, everything that the file leads to; of a
            file that builds on another, what that one does not lead to already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    pythons: tuple[str, ...]
    platforms: tuple[str, ...]
    excluded: tuple[str, ...]
    files: dict[str, tuple[RecordedPin, ...]]


def parse_closure(text: str) -> Closure:
    """Read a record.

    Raises:
        ClosureError: The text is none.
    """
    try:
        return Closure.model_validate_json(text)
    except ValidationError as error:
        mistake = error.errors()[0]
        place = ".".join(map(str, mistake["loc"]))
        reason = f"{place or 'JSON'}: {mistake['msg']}"
        raise ClosureError(f"it is no closure record ({reason})") from error


def dump_closure(closure: Closure) -> str:
    """Write a record as JSON, with one distribution on a line, so that differences read well."""
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
