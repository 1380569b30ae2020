"""Exchanges months, and kills itself at one of the system calls on the way. Run by test_publish.

Arguments: the output folder, how many calls to let pass, and whether folders can be exchanged in
one step.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chicagotaxi.etl import publish as publishing
from modelseal.temporary_outputs import exchange

MONTHS = ("trips/year=2023/month=1", "hourly/year=2023/month=1", "trips/year=2023/month=2")


def fill(folder: Path, run_id: str) -> None:
    """One run's output."""
    for place in MONTHS:
        (folder / place).mkdir(parents=True)
        (folder / place / f"{run_id}-0.parquet").write_text(run_id)
        (folder / place / f"{run_id}-1.parquet").write_text(run_id)
    (folder / "status.json").write_text(run_id)


def main() -> None:
    """Exchange, and die on the way."""
    out, left, can_exchange = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "True"

    def mortal(work: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any system call
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return work(*arguments, **named)

        return wrapped

    working = exchange if can_exchange else lambda _one, _other: False
    with publishing.staging(out, "new") as folder:
        fill(folder, "new")
        setattr(publishing, "exchange", mortal(working))  # noqa: B010 - not a name for other modules
        for name in ("rename", "replace", "unlink", "mkdir", "rmdir", "fsync"):
            setattr(os, name, mortal(getattr(os, name)))
        publishing.publish(folder, [*MONTHS, "status.json"])


if __name__ == "__main__":
    main()
