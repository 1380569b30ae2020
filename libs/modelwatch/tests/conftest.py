import os
from collections.abc import Iterator

import pytest
from modelwatch.testing.postgres import PostgresServer, postgres_server

pytest_plugins = ["bucket_fixtures"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server. Without its programs, tests are skipped, or fail where CI is set."""
    try:
        with postgres_server() as server:
            yield server
    except pytest.skip.Exception as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        raise
