"""Compares a server's answer with what the pipeline answers."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

from wrk import Request

_OK: Final = 200
_TIMEOUT_S: Final = 60.0


class WrongAnswerError(Exception):
    """An answer is not 200, or not what the pipeline answers."""


def ask(request: Request, port: int) -> Any:  # noqa: ANN401 - JSON
    """Send a request once; the JSON of its answer.

    Raises:
        WrongAnswerError: The answer is not 200.
        OSError: The server does not listen yet, or ended the connection.
    """
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{request.path}",
        data=request.encoded(),
        headers=request.all_headers(),
        method=request.method,
    )
    try:
        with urllib.request.urlopen(asked, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            body, status = answer.read(), answer.status
    except urllib.error.HTTPError as error:
        with error:
            shown = " ".join(error.read().decode(errors="replace").split())[:200]
        raise WrongAnswerError(f"answered {error.code}: {shown}") from None
    if status != _OK:
        raise WrongAnswerError(f"answered {status}")
    return json.loads(body)


def check(answer: Any, expected: Mapping[str, Any], tolerance: float) -> None:  # noqa: ANN401
    """Compare an answer with the expected values.

    Args:
        answer: JSON value.
        expected: Values by their dotted paths in the answer.
        tolerance: Largest difference of a number.

    Raises:
        WrongAnswerError: A value is missing or another.
    """
    for path, value in expected.items():
        found = pick(answer, path)
        if isinstance(value, float) and isinstance(found, int | float):
            # Not `> tolerance`, which NaN would pass.
            right = abs(found - value) <= tolerance
        else:
            right = found == value
        if not right:
            raise WrongAnswerError(f"answered {path} = {found!r}, and the pipeline {value!r}")


def pick(answer: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    """The value at a dotted path. A text on the way is read as JSON.

    Raises:
        WrongAnswerError: There is none.
    """
    found = answer
    for part in path.split("."):
        try:
            if isinstance(found, str):
                found = json.loads(found)
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, TypeError, ValueError):
            shown = json.dumps(answer)[:200]
            raise WrongAnswerError(f"the answer has no {path}: {shown}") from None
    return found
