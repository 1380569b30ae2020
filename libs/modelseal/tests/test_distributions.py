"""The walk over requirements, and an import of the library that loads no models."""

import subprocess
import sys

import pytest
from modelseal.distributions import SourcedRequirement, required_by, walk_requirements
from modelseal.records import first_error
from packaging.requirements import Requirement
from pydantic import BaseModel, ValidationError

STATED = {
    "top": ("middle[Fast]>=2", "absent; sys_platform == 'nowhere'"),
    "middle": ("quick; extra == 'fast'", "slow; extra == 'all'", "top"),
    "quick": ("middle[all]; extra == 'x'",),
}


def requires(name: str) -> list[SourcedRequirement]:
    return [(name, Requirement(text)) for text in STATED.get(name, ())]


def walk(*roots: str, markers: dict[str, str] | None = None) -> set[str]:
    sourced = [("file:1", Requirement(root)) for root in roots]
    return {f"{source}: {each}" for source, each in walk_requirements(sourced, requires, markers)}


def test_requirements_are_followed_by_extra_and_cycles_end() -> None:
    assert walk("Top") == {
        "file:1: Top",
        "top: middle[Fast]>=2",
        'middle: quick; extra == "fast"',
        "middle: top",
    }


def test_markers_are_evaluated_in_the_given_environment() -> None:
    here = {"sys_platform": "nowhere"}

    assert 'top: absent; sys_platform == "nowhere"' in walk("top", markers=here)
    assert walk("top; sys_platform == 'elsewhere'", markers=here) == set()


def test_required_by_names_installed_distributions_only() -> None:
    assert {"pytest", "pluggy"} <= required_by("pytest")
    assert "argcomplete" not in required_by("pytest")
    assert required_by("no-such-distribution") == set()


def test_importing_the_library_imports_no_pydantic() -> None:
    code = "import sys, modelseal.lazy_commands; sys.exit('pydantic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_of_the_library_is_an_attribute_error() -> None:
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from modelseal import nothing")  # noqa: S102


def test_the_first_error_names_its_field() -> None:
    class Document(BaseModel):
        number: int

    with pytest.raises(ValidationError) as caught:
        Document.model_validate({"number": "x"})
    assert first_error(caught.value).startswith("number: Input should be a valid integer")
    with pytest.raises(ValidationError) as caught:
        Document.model_validate_json("{")
    assert first_error(caught.value).startswith("document: Invalid JSON")
