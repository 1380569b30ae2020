"""Programs that tests need, and what becomes of a test where one is not installed."""

import os
import shutil

import pytest

__all__ = ["program"]


def program(name: str) -> str:
    """Where a program is. Without it a person skips, and continuous integration fails."""
    found = shutil.which(name)
    if found is None:
        reason = f"there is no {name}: make tools-env-deploy installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
