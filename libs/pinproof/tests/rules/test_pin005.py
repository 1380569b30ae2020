from collections.abc import Callable, Mapping

import pytest

Violations = Callable[[Mapping[str, str]], list[str]]

SERVICE = {
    "pins.toml": '[policy]\nservices = ["service"]\n',
    "service/requirements-prod.txt": "a~=1.2.3\n",
    "service/requirements-dev.txt": "-r requirements-prod.txt\nb~=1.2.3\n",
}


@pytest.fixture
def violations(violations: Violations) -> Violations:
    """Without the closure that these services do not have."""
    return lambda files: [found for found in violations(files) if " PIN008 " not in found]


def test_development_that_is_production_and_more_is_clean(violations: Violations) -> None:
    assert violations(SERVICE) == []


def test_the_include_may_be_written_in_other_ways(violations: Violations) -> None:
    dev = "--requirement=../service/requirements-prod.txt"

    assert violations({**SERVICE, "service/requirements-dev.txt": dev}) == []


def test_development_without_production_is_refused(violations: Violations) -> None:
    assert violations({**SERVICE, "service/requirements-dev.txt": "b~=1.2.3"}) == [
        (
            "service/requirements-dev.txt:1: PIN005 "
            "development does not include production: begin with -r requirements-prod.txt"
        )
    ]


def test_a_constraint_is_not_an_include(violations: Violations) -> None:
    files = {**SERVICE, "service/requirements-dev.txt": "-c requirements-prod.txt"}

    assert len(violations(files)) == 1


def test_a_pin_in_both_is_refused_even_if_it_is_the_same(violations: Violations) -> None:
    dev = "-r requirements-prod.txt\nA~=1.2.3\n"

    assert violations({**SERVICE, "service/requirements-dev.txt": dev}) == [
        (
            "service/requirements-dev.txt:2: PIN005 "
            "a is also in requirements-prod.txt, on line 1: remove it here"
        )
    ]


def test_a_pin_in_both_that_differs_is_said_to(violations: Violations) -> None:
    dev = "-r requirements-prod.txt\na~=1.3.0\n"

    assert violations({**SERVICE, "service/requirements-dev.txt": dev}) == [
        (
            "service/requirements-dev.txt:2: PIN005 "
            "a is also in requirements-prod.txt, on line 1 and with another pin: remove it here"
        )
    ]


def test_pins_for_different_environments_do_not_meet(violations: Violations) -> None:
    files = {
        **SERVICE,
        "service/requirements-prod.txt": 'a~=1.2.3; sys_platform == "linux"',
        "service/requirements-dev.txt": (
            '-r requirements-prod.txt\na~=1.3.0; sys_platform != "linux"'
        ),
    }

    assert violations(files) == []


@pytest.mark.parametrize(
    "files",
    [
        {"tool/requirements-dev.txt": "a~=1.2.3"},
        {
            "tool/requirements.txt": "a~=1.2.3",
            "tool/requirements-dev.txt": "-r requirements.txt\nb~=1.2.3",
        },
    ],
)
def test_a_folder_that_is_no_service_needs_no_production(
    files: Mapping[str, str], violations: Violations
) -> None:
    assert violations(files) == []


def test_a_pin_that_the_included_base_repeats_is_refused_in_any_folder(
    violations: Violations,
) -> None:
    files = {
        "requirements.txt": "a~=1.2.3",
        "tool/requirements-dev.txt": "-r ../requirements.txt\na~=1.2.3",
    }

    assert violations(files) == [
        (
            "tool/requirements-dev.txt:2: PIN005 "
            "a is also in ../requirements.txt, on line 1: remove it here"
        )
    ]


def test_development_may_include_production_through_another_file(violations: Violations) -> None:
    files = {
        **SERVICE,
        "service/requirements-base.txt": "-r requirements-prod.txt",
        "service/requirements-dev.txt": "-r requirements-base.txt\nb~=1.2.3",
    }

    assert violations(files) == []


def test_an_exception_with_the_path_allows_a_missing_file(violations: Violations) -> None:
    exception = (
        '[[exceptions]]\nrule = "PIN005"\npath = "service"\nreason = "why"\nexpires = 2027-01-31\n'
    )
    files = {**SERVICE, "pins.toml": f"{SERVICE['pins.toml']}{exception}"}

    assert violations({**files, "service/requirements-dev.txt": "b~=1.2.3"}) == []


def test_a_service_needs_both(violations: Violations) -> None:
    files = {"pins.toml": SERVICE["pins.toml"]}

    assert violations(files) == [
        "pins.toml:1: PIN005 service/requirements-dev.txt is missing: add it",
        "pins.toml:1: PIN005 service/requirements-prod.txt is missing: add it",
    ]


def test_a_service_needs_development_requirements(violations: Violations) -> None:
    files = {
        "pins.toml": SERVICE["pins.toml"],
        "service/requirements-prod.txt": SERVICE["service/requirements-prod.txt"],
    }

    assert violations(files) == [
        "service/requirements-prod.txt:1: PIN005 service/requirements-dev.txt is missing: add it"
    ]


def test_production_alone_is_fine_where_no_service_is_named(violations: Violations) -> None:
    assert violations({"tool/requirements-prod.txt": "a~=1.2.3"}) == []
