"""Progress on standard error, as the commands show it."""

import sys
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from chicagotaxi.forecast import Progress

__all__ = ["StepBar", "notice"]


class StepBar:
    """A progress bar that is told what begins."""

    def __init__(self, total: int) -> None:
        self._bar = tqdm(total=total, unit="step", file=sys.stderr)
        self._begun = False

    def __enter__(self) -> "Progress":
        """Show it; what it gives is told each step that begins."""

        def progress(step: str) -> None:
            self._bar.set_description(step)
            # A step is done when the next one begins.
            self._bar.update(int(self._begun))
            self._begun = True

        return progress

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Leave it: full where everything was done."""
        if error is None:
            self._bar.update(int(self._begun))
        self._bar.close()


def notice(text: str) -> None:
    """Say something without spoiling a bar."""
    tqdm.write(text, file=sys.stderr)
