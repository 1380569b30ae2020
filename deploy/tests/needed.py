"""Programs of tests, which skip or fail a test if they are missing."""

import os
import shutil

import pytest

__all__ = ["program"]


def program(name: str) -> str:
    """The path of a program. Without it, the test is skipped, or fails where CI is set."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed: make tools-env-deploy installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
