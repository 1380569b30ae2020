"""What an interpreter has installed, be it this one or another."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, ValidationError

from pinproof.errors import PinproofError

__all__ = ["Distribution", "Installation", "InterpreterError", "inspect_interpreter"]

_SNAPSHOT = Path(__file__).with_name("snapshot.py")
_PATIENCE_S = 60


class InterpreterError(PinproofError):
    """An interpreter cannot be asked what it has installed."""


class Distribution(BaseModel):
    """One installed distribution.

    Attributes:
        name: Its name as it spells itself.
        version: Its version.
        requires: Its requirements as its metadata states them.
        from_folder: Whether it was installed from a folder of source, editable or not.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    requires: tuple[str, ...]
    from_folder: bool


class Installation(BaseModel):
    """What one interpreter has installed.

    Attributes:
        markers: The values of the variables that markers speak of.
        distributions: Every distribution; where two have one name, the one that is imported.
    """

    model_config = ConfigDict(frozen=True)

    markers: Mapping[str, str]
    distributions: tuple[Distribution, ...]

    def by_name(self) -> dict[str, Distribution]:
        """The distributions by their names in PEP 503 form."""
        # Reversed, so that the first on the interpreter's path is written last and stays.
        return {canonicalize_name(found.name): found for found in reversed(self.distributions)}


def inspect_interpreter(python: Path | None = None) -> Installation:
    """Ask an interpreter what it has installed, in a process of its own.

    It runs isolated (`-I`): what `PYTHONPATH`, the working folder and the user's own site-packages
    add is not part of the environment that a requirements file describes.

    Args:
        python: The interpreter; by default the one that runs this.

    Raises:
        InterpreterError: It does not start, or does not answer.
    """
    interpreter = str(python or sys.executable)
    try:
        answer = subprocess.run(  # noqa: S603 - the interpreter is what the caller asks about
            [interpreter, "-I", str(_SNAPSHOT)],
            capture_output=True,
            check=True,
            timeout=_PATIENCE_S,
        )
        return Installation.model_validate_json(answer.stdout)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        reason = reason or f"it exited with status {error.returncode}"
    except subprocess.TimeoutExpired:
        reason = f"no answer within {_PATIENCE_S} s"
    except OSError as error:
        reason = error.strerror or str(error)
    except ValidationError:
        reason = "its answer is not that of a Python interpreter"
    raise InterpreterError(
        f"{interpreter} cannot be asked what it has installed: {reason}.",
        remedy="Name an interpreter of Python 3.8 or later, such as .venv/bin/python.",
    )
