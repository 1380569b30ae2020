"""The distributions that an interpreter has installed."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, ValidationError

from pinproof.errors import PinproofError

_SNAPSHOT = Path(__file__).with_name("snapshot.py")
_TIMEOUT_S = 60


class InterpreterError(PinproofError):
    """An interpreter does not list its distributions."""


class Distribution(BaseModel):
    """An installed distribution.

    Attributes:
        name: The name in its metadata.
        version: The version.
        requires: The requirements in its metadata.
        from_folder: Whether it was installed from a source folder, editable or not.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    requires: tuple[str, ...]
    from_folder: bool


class Installation(BaseModel):
    """The distributions of one interpreter.

    Attributes:
        markers: The values of the variables of markers.
        distributions: Every distribution. If two have the same name, the first is imported.
    """

    model_config = ConfigDict(frozen=True)

    markers: Mapping[str, str]
    distributions: tuple[Distribution, ...]

    def by_name(self) -> dict[str, Distribution]:
        """The distributions by name in PEP 503 form."""
        # Reversed, so that the first on the import path overwrites the others.
        return {canonicalize_name(found.name): found for found in reversed(self.distributions)}


def inspect_interpreter(python: Path | None = None) -> Installation:
    """List the distributions of an interpreter, in a separate process.

    The process is isolated (`-I`): a requirements file does not describe `PYTHONPATH`, the working
    folder and the site-packages of the user.

    Args:
        python: The interpreter. Default: the current one.

    Raises:
        InterpreterError: It does not start, or its output is invalid.
    """
    interpreter = str(python or sys.executable)
    try:
        answer = subprocess.run(  # noqa: S603 - the interpreter is what the caller asks about
            [interpreter, "-I", str(_SNAPSHOT)],
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_S,
        )
        return Installation.model_validate_json(answer.stdout)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        reason = reason or f"it exited with status {error.returncode}"
    except subprocess.TimeoutExpired:
        reason = f"no answer within {_TIMEOUT_S} s"
    except OSError as error:
        reason = error.strerror or str(error)
    except ValidationError:
        reason = "its output is not that of a Python interpreter"
    raise InterpreterError(
        f"{interpreter} does not list its distributions: {reason}.",
        remedy="Name an interpreter of Python 3.8 or later, such as .venv/bin/python.",
    )
