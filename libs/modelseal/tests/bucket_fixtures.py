"""Fixtures of buckets, for the tests of modelseal and of the libraries that build on it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from buckets import Bucket, gcs, s3

CLIENT_SETTINGS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN")


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Bucket]]:
    """The emulators, each started at its first use."""
    running: dict[str, Bucket] = {}
    with ExitStack() as stack:

        def emulator(scheme: str) -> Bucket:
            if scheme not in running:
                folder = tmp_path_factory.mktemp("gcs")
                running[scheme] = stack.enter_context(s3() if scheme == "s3" else gcs(folder))
            return running[scheme]

        yield emulator


@pytest.fixture(params=["s3", "gs"])
def bucket(
    request: pytest.FixtureRequest,
    emulators: Callable[[str], Bucket],
    monkeypatch: pytest.MonkeyPatch,
) -> Bucket:
    """A working bucket of each kind."""
    found = emulators(request.param)
    found.fault = None
    found.asked.clear()
    for name in CLIENT_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found
