"""Import libraries without what they would like to draw with."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_matplotlib"]


@contextmanager
def without_matplotlib() -> Iterator[None]:
    """Import libraries as they are imported where matplotlib is not installed.

    shap and lightgbm import matplotlib where they find it. Nothing that serves a model draws; the
    import would cost a second of start-up, and it would make matplotlib, which only development
    installs, one of the distributions that a sealed model depends on.
    """
    if "matplotlib" in sys.modules:
        yield
        return
    sys.modules["matplotlib"] = None  # type: ignore[assignment]  # makes its import fail
    try:
        yield
    finally:
        del sys.modules["matplotlib"]
