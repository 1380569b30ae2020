import pytest
from packaging.markers import Marker, default_environment
from pinproof.repository.marker_environments import (
    PLATFORMS,
    marker_environments,
    matching_environments,
)


def test_every_variable_is_set_so_that_the_machine_that_checks_does_not_matter() -> None:
    for environment in marker_environments(["3.11"], list(PLATFORMS)):
        assert environment.keys() == default_environment().keys()


def test_every_combination_is_there() -> None:
    found = {
        (environment["python_version"], environment["sys_platform"])
        for environment in marker_environments(["3.11", "3.12"], ["linux-x86_64", "macos-arm64"])
    }

    assert found == {("3.11", "linux"), ("3.11", "darwin"), ("3.12", "linux"), ("3.12", "darwin")}


@pytest.mark.parametrize("marker", ['sys_platform == "win32"', 'python_version < "3"'])
def test_a_marker_that_never_holds_has_no_environment(marker: str) -> None:
    assert matching_environments(Marker(marker), ("3.11",), ("linux-x86_64",)) == frozenset()


@pytest.mark.parametrize("marker", [None, Marker('platform_release >= "6"')])
def test_what_asks_nothing_or_the_unknown_has_all(marker: Marker | None) -> None:
    every = list(marker_environments(["3.11"], ["linux-x86_64"]))

    assert matching_environments(marker, ("3.11",), ("linux-x86_64",)) == set(range(len(every)))
