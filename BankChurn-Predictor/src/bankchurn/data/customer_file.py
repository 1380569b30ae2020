"""One customer as a JSON document, in a file or on standard input."""

import contextlib
import json
import sys
from pathlib import Path
from typing import Final

from modelseal.path_kinds import kind_of
from pydantic import ValidationError
from servicekit.errors import ServiceError
from servicekit.files import DataError
from servicekit.json_body import parse_json

from bankchurn.schema import Customer, example

# More than a customer has, so that single unknown fields are named.
MAX_VALUES: Final = 1000


def read_customer(source: str) -> Customer:
    """Read one customer.

    Args:
        source: A file, or ``-`` for standard input.

    Raises:
        DataError: It cannot be read, or is not one customer; the message names every invalid
            field.
    """
    try:
        if source != "-":
            kind_of(Path(source))
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise DataError(
            f"{source} cannot be read: {error.strerror}. Give a file with one customer as JSON."
        ) from error
    try:
        # pydantic silently uses the last of repeated keys. Invalid JSON is reported by pydantic.
        with contextlib.suppress(ValueError):
            parse_json(raw, max_items=MAX_VALUES)
        return Customer.model_validate_json(raw)
    except ServiceError as error:
        raise _no_customer(source, f"  {error.detail}") from error
    except ValidationError as error:
        problems = "\n".join(
            f"  {'.'.join(map(str, one['loc'])) or 'the document'}: {one['msg']}"
            for one in error.errors(include_url=False)
        )
        raise _no_customer(source, problems) from error


def _no_customer(source: str, problems: str) -> DataError:
    return DataError(
        f"{source} is not a customer:\n{problems}\nA customer looks like this: "
        f"{json.dumps(example())}"
    )
