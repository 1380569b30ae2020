from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from audit_samples import PROJECTS
from pinproof.audit.http_client import Client
from pinproof.audit.index import Index
from pinproof.audit.outdated import Outdated, outdated
from pinproof.repository.pins import read_pins
from servers import Release, Releases, index_of, released, serving

Write = Callable[[Mapping[str, str]], Path]


def described(found: Outdated) -> list[str]:
    return [
        *(
            f"{one.name}{one.specifier} {one.inside} {one.outside} {one.patched}"
            for one in found.statuses
        ),
        *(f"{' '.join(one.places)}: {one.reason.partition('. ')[0]}" for one in found.unknown),
    ]


@pytest.fixture
def compare(write: Write) -> Callable[..., list[str]]:
    def run(
        text: str, projects: Releases = PROJECTS, pythons: str = '"3.11", "3.12"', **more: str
    ) -> list[str]:
        policy = f"[policy]\npythons = [{pythons}]\n"
        root = write({"pins.toml": policy, "requirements.txt": text, **more})
        with serving(index_of(projects)) as url:
            found = outdated(read_pins(root), Index(f"{url}/simple/", Client(attempts=1)))
        return described(found)

    return run


@pytest.mark.parametrize(
    ("pin", "pythons", "expected"),
    [
        # 1.26.5 is yanked, 2.4.0 wants Python 3.12, 3.0.0rc1 is a pre-release.
        ("numpy~=1.26.3", '"3.11", "3.12"', "numpy~=1.26.3 1.26.4 2.3.5 True"),
        ("numpy~=1.26.3", '"3.12"', "numpy~=1.26.3 1.26.4 2.4.0 True"),
        ("numpy~=1.26.3", '"3.10"', "numpy~=1.26.3 1.26.4 None True"),
        ("numpy~=1.26.3; python_version >= '3.12'", '"3.11", "3.12"',
         "numpy~=1.26.3 1.26.4 2.4.0 True"),
        ("numpy~=1.26.4", '"3.11"', "numpy~=1.26.4 1.26.4 2.3.5 False"),
        ("numpy~=2.3.5", '"3.11"', "numpy~=2.3.5 2.3.5 None False"),
        ("numpy~=3.0.0rc1", '"3.11"', "numpy~=3.0.0rc1 3.0.0rc1 None False"),
        ("numpy", '"3.11"', "numpy 2.3.5 None False"),
        ("numpy==1.26.*", '"3.11"', "numpy==1.26.* 1.26.4 2.3.5 False"),
        ("numpy<2,>=1.26.3", '"3.11"', "numpy<2,>=1.26.3 1.26.4 2.3.5 True"),
    ],
)  # fmt: skip
def test_inside_and_outside(
    pin: str, pythons: str, expected: str, compare: Callable[..., list[str]]
) -> None:
    assert compare(f"{pin}\n", pythons=pythons) == [expected]


def test_every_python_has_to_be_able_to_install_it(compare: Callable[..., list[str]]) -> None:
    projects = {
        "a": {
            "1.0.0": Release(),
            "1.0.1": Release(python="<3.12"),
            "1.0.2": Release(python=">3.12"),
        }
    }

    assert compare("a~=1.0.0\n", projects) == ["a~=1.0.0 1.0.0 None False"]


def test_a_pin_in_many_files_is_reported_once(compare: Callable[..., list[str]]) -> None:
    found = compare("py~=1.11.0\n", **{"other/requirements.txt": "Py~=1.11.0\n"})

    assert found == ["py~=1.11.0 1.11.0 None False"]


def test_a_pin_for_no_supported_environment_is_left_out(
    compare: Callable[..., list[str]],
) -> None:
    assert compare("absent~=1.0.0; python_version < '3'\npy~=1.11.0\n") == [
        "py~=1.11.0 1.11.0 None False"
    ]


def test_a_pin_that_admits_no_release_hides_no_other(compare: Callable[..., list[str]]) -> None:
    projects = {"py": released("1.11.0"), "new": {"1.0.0": Release(python=">=3.13")}}

    found = compare("py~=9.0.0\nnew~=1.0.0\nPy~=1.11.0; sys_platform == 'x'\n", projects)

    assert found == [
        "requirements.txt:2: new~=1.0.0 admits no release that Python 3.11 and 3.12 can install",
        "requirements.txt:1: py~=9.0.0 admits no release that Python 3.11 and 3.12 can install",
    ]


def test_a_name_that_the_index_does_not_have_hides_no_other(
    compare: Callable[..., list[str]],
) -> None:
    status, *unknown = compare("absent~=1.0.0\npy~=1.11.0\nmissing~=1.0.0\n")

    assert status == "py~=1.11.0 1.11.0 None False"
    assert [one.partition(" http")[0] for one in unknown] == [
        "requirements.txt:1:",
        "requirements.txt:3:",
    ]
    assert "/simple/absent/ does not exist there (404)" in unknown[0]
    assert "/simple/missing/ does not exist there (404)" in unknown[1]
