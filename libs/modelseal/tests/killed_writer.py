"""Writes an output by a temporary, and kills itself at one of the system calls on the way.

Arguments: the destination, ``file`` or ``folder``, how many calls to let pass, and whether folders
can be exchanged in one step.
"""

import fcntl
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelseal import temporaries
from modelseal.temporaries import Temporary


def write(destination: Path, kind: str, text: str) -> None:
    """Write a file, or a folder of two files, whole."""
    with Temporary(destination) as temporary:
        if kind == "file":
            temporary.path.write_text(text)
            temporary.put_file()
            return
        temporary.path.mkdir()
        for name in ("one", "two"):
            (temporary.path / name).write_text(text)
        temporary.put_folder()


def main() -> None:
    """Write, and die on the way."""
    destination, kind, left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

    def mortal(work: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any system call
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return work(*arguments, **named)

        return wrapped

    exchange = temporaries.exchange if sys.argv[4] == "True" else lambda _one, _other: False
    temporaries.exchange = mortal(exchange)
    fcntl.flock = mortal(fcntl.flock)
    for name in ("open", "rename", "replace", "unlink", "mkdir", "rmdir", "close"):
        setattr(os, name, mortal(getattr(os, name)))
    write(destination, kind, "new")


if __name__ == "__main__":
    main()
