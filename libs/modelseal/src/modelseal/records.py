"""Types and errors that the JSON documents of a sealed model share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

__all__ = ["Name", "Record", "Sha256", "first_error"]

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Record(BaseModel):
    """A part of a document. Unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def first_error(error: ValidationError) -> str:
    """The first error of a document, as ``field: message``."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}"
