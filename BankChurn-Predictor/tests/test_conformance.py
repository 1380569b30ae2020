from collections.abc import Iterator
from pathlib import Path

import pytest
from servicekit.testing import LiveService
from servicekit.testing.raw_requests import CASES, RawCase


@pytest.fixture(scope="module")
def service(sealed: Path) -> Iterator[LiveService]:
    environment = {"MODEL_DIR": str(sealed)}
    with LiveService(["-m", "bankchurn", "serve"], environment, {}) as service:
        yield service


@pytest.mark.parametrize("case", CASES, ids=str)
def test_raw_http_is_answered_in_one_reading_or_refused(
    service: LiveService, case: RawCase
) -> None:
    case.check(service)
