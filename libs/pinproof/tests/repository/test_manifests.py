"""What is advised for a pin in the spelling of another tool."""

from collections.abc import Callable, Mapping

import pytest

Violations = Callable[[Mapping[str, str]], list[str]]
POETRY = "[tool.poetry.dependencies]\n"

ADVICE = [
    ("pyproject.toml", f'{POETRY}a = "^1.26"', 'a = "^1.26"', 'a = "~=1.26.0"'),
    ("pyproject.toml", f'{POETRY}a = "~1.26.4"', 'a = "~1.26.4"', 'a = "~=1.26.4"'),
    ("pyproject.toml", f'{POETRY}a = "1.26.4"', 'a = "1.26.4"', 'a = "~=1.26.4"'),
    ("pyproject.toml", f'{POETRY}a = "1.26.*"', 'a = "1.26.*"', 'a = "~=1.26.0"'),
    ("pyproject.toml", f'{POETRY}a = ">=1.2,<2"', 'a = ">=1.2,<2"', 'a = "~=1.2.0"'),
    ("Pipfile", '[packages]\na = "==1.2.3"', 'a = "==1.2.3"', 'a = "~=1.2.3"'),
    ("pixi.toml", '[dependencies]\na = "1.2.*"', 'a = "1.2.*"', 'a = "~=1.2.0"'),
    ("environment.yml", "dependencies:\n- a=1.2", "a=1.2", "a~=1.2.0"),
    ("environment.yml", "dependencies:\n- c::a==1.2.3=py_0", "c::a==1.2.3=py_0", "a~=1.2.3"),
    ("environment.yml", "dependencies:\n- a >=1.2", "a >=1.2", "a~=1.2.0"),
    ("setup.cfg", "[options]\ninstall_requires = a>=1.2", "a>=1.2", "a~=1.2.0"),
    ("setup.py", "\nsetup(install_requires=['a==1.2'])", "a==1.2", "a~=1.2.0"),
]


@pytest.mark.parametrize(("file", "text", "written", "pin"), ADVICE)
def test_the_advice_is_in_the_spelling_of_the_tool(
    file: str, text: str, written: str, pin: str, violations: Violations
) -> None:
    assert violations({file: text}) == [
        f"{file}:2: PIN001 {written} is not pinned with ~=: write {pin}"
    ]


@pytest.mark.parametrize("file", ["pyproject.toml", "Pipfile", "environment.yml", "setup.cfg"])
def test_a_manifest_that_cannot_be_parsed_is_reported(file: str, violations: Violations) -> None:
    (violation,) = violations({file: "dependencies: [\n["})

    assert violation.startswith(f"{file}:1: PIN000 it ")


def test_a_manifest_names_a_distribution_once(violations: Violations) -> None:
    text = '[packages]\nA_B = "~=1.2.3"\na-b = "~=1.2.4"'

    (repeated,) = violations({"Pipfile": text})

    assert repeated.startswith("Pipfile:3: PIN004 a-b is already on line 2")


def test_series_are_compared_between_kinds_of_files(violations: Violations) -> None:
    files = {
        "requirements.txt": "numpy~=1.26.4",
        "environment.yml": "dependencies:\n- numpy~=2.0.0",
        "a/requirements.txt": "numpy~=1.26.4",
    }

    (differs,) = violations(files)

    assert differs.startswith("environment.yml:2: PIN006 numpy~=2.0.0 differs in series")
