from collections.abc import Iterator

import example_service
import pytest
from servicekit.testing import LiveService
from servicekit.testing.raw_requests import CASES, RawCase


@pytest.fixture(scope="module")
def service(live_environment: dict[str, str]) -> Iterator[LiveService]:
    with LiveService([example_service.__file__], live_environment, {}) as service:
        yield service


@pytest.mark.parametrize("case", CASES, ids=str)
def test_raw_http_is_answered_in_one_reading_or_refused(
    service: LiveService, case: RawCase
) -> None:
    case.check(service)
