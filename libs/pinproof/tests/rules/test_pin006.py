from collections.abc import Callable, Mapping

import pytest

Violations = Callable[[Mapping[str, str]], list[str]]

POLICY = '[policy]\npythons = ["3.11", "3.12"]\nplatforms = ["linux-x86_64", "macos-arm64"]\n'

# two pins of one distribution in two files
AGREE = [
    ("a~=1.26.4", "a~=1.26.4"),
    ("a~=1.26.4", "A~=1.26.0"),
    ("a~=2.2.3.241126", "a~=2.2.3"),
    ("a[extra]~=1.26.4", "a~=1.26.4"),
    ('a~=1.26.4; sys_platform == "linux"', 'a~=2.0.0; sys_platform != "linux"'),
    ('a~=1.26.4; python_version < "3.12"', 'a~=2.0.0; python_version >= "3.12"'),
]
DISAGREE = [
    ("a~=1.26.4", "a~=1.27.0"),
    ("a~=1.26.4", "a~=2.0.0"),
    ("a~=1.26.4", "a~=1!1.26.4"),
    ("a~=0.0.9.0", "a~=0.0.10.0"),
    # Of one series, and nothing is in both.
    ("a~=2.2.3.1", "a~=2.2.4"),
    ('a~=1.26.4; sys_platform == "linux"', "a~=2.0.0"),
]


@pytest.mark.parametrize(("one", "other"), AGREE)
def test_files_that_can_share_an_environment_agree(
    one: str, other: str, violations: Violations
) -> None:
    files = {"pins.toml": POLICY, "x/requirements.txt": one, "y/requirements.txt": other}

    assert violations(files) == []


@pytest.mark.parametrize(("one", "other"), DISAGREE)
def test_files_that_cannot_do_not(one: str, other: str, violations: Violations) -> None:
    files = {"pins.toml": POLICY, "x/requirements.txt": one, "y/requirements.txt": other}

    (violation,) = violations(files)

    assert violation.startswith("y/requirements.txt:1: PIN006 a~=")


def test_the_smaller_group_of_files_is_reported_and_names_the_first_of_the_others(
    violations: Violations,
) -> None:
    files = {
        "a/requirements.txt": "n~=2.0.0",
        "b/requirements.txt": "\nn~=1.26.4",
        "c/requirements.txt": "n~=1.26.0",
    }

    assert violations(files) == [
        (
            "a/requirements.txt:1: PIN006 n~=2.0.0 differs in series from "
            "b/requirements.txt:2, n~=1.26.4: use one series, or allow the difference for a "
            "while by an exception"
        )
    ]


def test_a_pyproject_counts(violations: Violations) -> None:
    files = {
        "a/pyproject.toml": '[build-system]\nrequires = ["setuptools~=84.2.1"]',
        "b/pyproject.toml": '[build-system]\nrequires = ["setuptools~=83.0.0"]',
    }

    assert [violation.split(" ")[0] for violation in violations(files)] == ["b/pyproject.toml:2:"]


def test_one_file_is_left_to_the_rule_on_duplicates(violations: Violations) -> None:
    (violation,) = violations({"requirements.txt": "a~=1.0.0\na~=2.0.0"})

    assert " PIN004 " in violation


def test_a_line_that_is_not_a_pin_is_left_to_other_rules(violations: Violations) -> None:
    files = {"a/requirements.txt": "n~=1.26.4", "b/requirements.txt": "n>=2.0,<3"}

    assert [violation.split(" ")[1] for violation in violations(files)] == ["PIN001"]


@pytest.mark.parametrize("path", ["a", "b"])
def test_an_exception_with_a_reason_allows_it(path: str, violations: Violations) -> None:
    exception = f"""
[[exceptions]]
rule = "PIN006"
distribution = "n"
path = "{path}"
reason = "its model is retrained in March"
expires = 2027-03-31
"""
    files = {
        "pins.toml": exception,
        "a/requirements.txt": "n~=1.26.4",
        "b/requirements.txt": "n~=2.0.0",
    }

    assert violations(files) == []
