from collections.abc import Callable, Mapping

import pytest

Violations = Callable[[Mapping[str, str]], list[str]]

ONE_SERIES = ["1.26.4", "2026.6.0", "2.2.3.241126", "0.0.9.0", "0.0.0.1", "0.1.0", "1!2.0.0"]
MORE_THAN_ONE = [
    ("1.26", "1.26.0"),
    ("2026.6", "2026.6.0"),
    ("0.1", "0.1.0"),
    ("0.0", "0.0.0.0"),  # noqa: S104 - a version
    ("0.0.9", "0.0.9.0"),
    ("0.0.9rc1", "0.0.9.0rc1"),
    ("1.26rc1", "1.26.0rc1"),
    ("1!2.0", "1!2.0.0"),
]


@pytest.mark.parametrize("version", ONE_SERIES)
def test_a_pin_of_one_series_is_clean(version: str, violations: Violations) -> None:
    assert violations({"requirements.txt": f"a~={version}"}) == []


@pytest.mark.parametrize(("version", "narrowed"), MORE_THAN_ONE)
def test_a_pin_of_more_than_one_series_is_narrowed(
    version: str, narrowed: str, violations: Violations
) -> None:
    assert violations({"requirements.txt": f"a~={version}"}) == [
        f"requirements.txt:1: PIN002 a~={version} admits more than one series: write a~={narrowed}"
    ]


@pytest.mark.parametrize(("version", "narrowed"), MORE_THAN_ONE)
def test_the_narrowed_pin_is_clean(version: str, narrowed: str, violations: Violations) -> None:
    del version

    assert violations({"requirements.txt": f"a~={narrowed}"}) == []
