"""Environment shared by all tests of the deployment."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def outside_of_make() -> Iterator[None]:
    """Remove what make exports to its recipes, so that a test's own make is no sub-make.

    A sub-make takes over the options of the make that runs the tests and prints the folders that
    it enters and leaves.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            patch.delenv(name, raising=False)
        yield
