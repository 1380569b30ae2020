from collections.abc import Callable, Mapping

import pytest

Violations = Callable[[Mapping[str, str]], list[str]]

POLICY = """
[policy]
pythons = ["3.11", "3.12"]
platforms = ["linux-x86_64", "macos-arm64"]
"""
APART = [
    ('sys_platform == "linux"', 'sys_platform != "linux"'),
    ('python_version < "3.12"', 'python_version >= "3.12"'),
    ('python_full_version < "3.11.4"', 'python_full_version >= "3.11.4"'),
    ('platform_machine == "arm64"', 'platform_machine == "x86_64"'),
    ('sys_platform == "linux" and python_version < "3.12"', 'sys_platform == "darwin"'),
    ('implementation_name == "cpython"', 'implementation_name == "pypy"'),
    # Both hold on Windows, and before Python 3.11, which this policy does not support.
    ('sys_platform != "linux"', 'sys_platform != "darwin"'),
    ('python_version < "3.12"', 'python_version < "3.11" or python_version >= "3.12"'),
    # Without an extra neither is ever installed from a requirements file.
    ('extra == "a"', 'extra == "a"'),
]
TOGETHER = [
    ('sys_platform == "linux"', 'sys_platform == "linux"'),
    ('sys_platform == "linux"', 'python_version < "3.12"'),
    ('python_version <= "3.12"', 'python_version >= "3.12"'),
    ('python_full_version > "3.11.2"', 'python_full_version < "3.11.9"'),
    # The policy does not say which kernel runs.
    ('platform_release >= "6"', 'platform_release < "6"'),
]
SAME_NAME = [
    "Typing_Extensions",
    "typing.extensions",
    "typing-extensions[extra]",
    "TYPING--extensions",
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_markers_that_exclude_each_other_keep_lines_apart(
    one: str, other: str, violations: Violations
) -> None:
    files = {"pins.toml": POLICY, "requirements.txt": f"a~=1.0.0; {one}\na~=1.1.0; {other}"}

    assert violations(files) == []


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_markers_that_may_both_hold_do_not(one: str, other: str, violations: Violations) -> None:
    files = {"pins.toml": POLICY, "requirements.txt": f"a~=1.0.0; {one}\na~=1.1.0; {other}"}

    assert violations(files) == [
        (
            "requirements.txt:2: PIN004 a is already on line 1: "
            "keep one of the two, or give them markers that exclude each other"
        )
    ]


@pytest.mark.parametrize("name", SAME_NAME)
def test_names_are_compared_in_their_normal_form(name: str, violations: Violations) -> None:
    found = violations({"requirements.txt": f"typing-extensions~=4.0.0\n{name}~=4.0.0"})

    assert [line.partition(" is already")[0] for line in found] == [
        "requirements.txt:2: PIN004 typing-extensions"
    ]


def test_each_list_of_a_pyproject_is_separate(violations: Violations) -> None:
    pyproject = """
[project]
dependencies = ["a~=1.0.0"]
[project.optional-dependencies]
one = ["a~=1.0.0"]
two = ["a~=1.0.0"]
"""

    assert violations({"pyproject.toml": pyproject}) == []


def test_each_further_line_is_reported_once_with_the_first(violations: Violations) -> None:
    found = violations({"requirements.txt": "a~=1.0.0\n" * 3})

    assert [violation.partition(":")[2].partition(":")[0] for violation in found] == ["2", "3"]
    assert all(" is already on line 1: " in violation for violation in found)
