"""Progress on standard error, as the commands show it."""

import sys
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable

    from chicagotaxi.forecast.model import Progress


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


class ShareBar:
    """A progress bar of the shares of a whole. It is shown when the first step begins.

    What is refused before that is not written below an empty bar.
    """

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None

    def __enter__(self) -> "Callable[[str, float], None]":
        """What it gives is called with a step and how much of the whole is done, from 0 to 1."""

        def progress(step: str, share: float) -> None:
            if self._bar is None:
                self._bar = tqdm(total=100, unit="%", file=sys.stderr)
            self._bar.set_description(step, refresh=False)
            self._bar.update(max(0, round(100 * share) - self._bar.n))

        return progress

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Leave it as it is."""
        if self._bar is not None:
            self._bar.close()


def notice(text: str) -> None:
    """Say something without spoiling a bar."""
    tqdm.write(text, file=sys.stderr)
