"""The clock of a simulation, which other processes read."""

import mmap
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from struct import pack
from typing import Final

__all__ = ["Clock"]

_LAUNCHER: Final = Path(__file__).with_name("simulated_time.py")


class Clock:
    """A clock that changes only when it is set.

    Args:
        file: File that holds its time. It is created.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._set_time = mmap.mmap(opened.fileno(), 8)

    def set(self, day: date, hour: int) -> None:
        """Set it to a full hour, in UTC."""
        seconds = datetime.combine(day, time(hour), UTC).timestamp()
        self._set_time[:8] = pack("d", seconds)

    def command(self, python: Path, module: str, *arguments: str | Path) -> list[str]:
        """The command that runs a module under this clock.

        Args:
            python: Interpreter of the environment that has the module.
            module: The module.
            arguments: Its arguments.
        """
        # Without -P, the modules in the launcher's folder would come before those of the service.
        return [str(python), "-P", str(_LAUNCHER), str(self._file), module, *map(str, arguments)]

    def own_command(self, module: str, *arguments: str | Path) -> list[str]:
        """As `command`, in the environment of this process."""
        return self.command(Path(sys.executable), module, *arguments)
