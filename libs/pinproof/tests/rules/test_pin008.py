from collections.abc import Callable, Mapping

import pytest
from pinproof.repository.closure_record import Closure, RecordedPin, dump_closure

Violations = Callable[[Mapping[str, str]], list[str]]

POLICY = """
[policy]
pythons = ["3.11", "3.12"]
platforms = ["linux-x86_64", "macos-arm64"]
services = ["service"]
"""
EXCLUSION = """
[[exclusions]]
distribution = "gpu"
reason = "there is none"
"""
PROD = ["top~=1.2.3", 'middle~=5.1.0; sys_platform == "linux"']


def record(
    prod: list[str] = PROD,
    dev: list[str] | None = None,
    platforms: tuple[str, ...] = ("linux-x86_64", "macos-arm64"),
    **further: list[str],
) -> str:
    def pins(texts: list[str]) -> tuple[RecordedPin, ...]:
        return tuple(
            RecordedPin(pin=text, via=() if text.startswith("to") else ("top",)) for text in texts
        )

    return dump_closure(
        Closure(
            pythons=("3.12", "3.11"),
            platforms=platforms,
            excluded=(),
            files={
                f"requirements-{name}.txt": pins(texts)
                for name, texts in {"prod": prod, "dev": dev or [], **further}.items()
            },
        )
    )


def files(prod: str, dev: str = "", closure: str = "", policy: str = POLICY) -> dict[str, str]:
    return {
        "pins.toml": policy,
        "service/requirements-prod.txt": prod,
        "service/requirements-dev.txt": f"-r requirements-prod.txt\n{dev}",
        "service/pins-closure.json": closure or record(),
    }


# production's file, where its record is PROD
COVERED = [
    "\n".join(PROD),
    "\n".join(reversed(PROD)),
    "top ~= 1.2.3\nMiddle~=5.1.0 ; sys_platform=='linux'",
    # A patch update admits only what was resolved.
    'top~=1.2.4\nmiddle~=5.1.7; sys_platform == "linux"',
    'top~=1.2.3\nmiddle~=5.1.0; sys_platform != "darwin"',
]
# the same, with what is said of it
UNCOVERED = [
    (
        "top~=1.2.3",
        (
            "1: PIN008 middle, required by top, has no pin "
            '(middle~=5.1.0; sys_platform == "linux" is recorded): run pinproof sync'
        ),
    ),
    (
        'top~=1.2.3\nmiddle~=5.1.0; sys_platform == "darwin"',
        (
            '2: PIN008 middle~=5.1.0; sys_platform == "darwin" is not recorded '
            '(middle~=5.1.0; sys_platform == "linux" is): run pinproof sync'
        ),
    ),
    (
        'top~=1.3.0\nmiddle~=5.1.0; sys_platform == "linux"',
        "1: PIN008 top~=1.3.0 is not recorded (top~=1.2.3 is): run pinproof sync",
    ),
    (
        'top~=1.2.1\nmiddle~=5.1.0; sys_platform == "linux"',
        "1: PIN008 top~=1.2.1 is not recorded (top~=1.2.3 is): run pinproof sync",
    ),
    (
        'top[extra]~=1.2.3\nmiddle~=5.1.0; sys_platform == "linux"',
        "1: PIN008 top[extra]~=1.2.3 is not recorded (top~=1.2.3 is): run pinproof sync",
    ),
    (
        'top~=1.2.3\nmiddle~=5.1.0; sys_platform == "linux"\nnew~=1.0.0',
        "3: PIN008 new~=1.0.0 is not recorded (nothing of it is): run pinproof sync",
    ),
]


@pytest.mark.parametrize("prod", COVERED)
def test_a_file_that_pins_what_was_resolved_is_clean(prod: str, violations: Violations) -> None:
    assert violations(files(prod)) == []


@pytest.mark.parametrize(("prod", "message"), UNCOVERED)
def test_differences_between_the_record_and_the_file_are_reported(
    prod: str, message: str, violations: Violations
) -> None:
    assert f"service/requirements-prod.txt:{message}" in violations(files(prod))


def test_development_may_rely_on_production(violations: Violations) -> None:
    closure = record(dev=["tool~=1.0.0", 'middle~=5.1.0; sys_platform == "darwin"'])
    whole = files("top~=1.2.3\nmiddle~=5.1.0", "tool~=1.0.0", closure)

    assert [violation.partition(" is ")[0] for violation in violations(whole)] == [
        "service/requirements-prod.txt:2: PIN008 middle~=5.1.0"
    ]


def test_what_only_development_needs_belongs_there(violations: Violations) -> None:
    whole = files("\n".join(PROD), "tool~=1.0.0", record(dev=["tool~=1.0.0", "helper~=2.0.0"]))

    assert violations(whole) == [
        (
            "service/requirements-dev.txt:1: PIN008 helper, required by top, has no pin "
            "(helper~=2.0.0 is recorded): run pinproof sync"
        )
    ]


@pytest.mark.parametrize("base", ["prod", "dev"])
def test_what_only_training_needs_belongs_in_its_file(base: str, violations: Violations) -> None:
    recorded = record(dev=["tool~=1.0.0"], train=["torch~=2.13.0", "sympy~=1.14.0"])
    whole = files("\n".join(PROD), "tool~=1.0.0", recorded)
    train = f"-r requirements-{base}.txt\ntorch~=2.13.0\n"

    assert violations(whole | {"service/requirements-train.txt": train}) == [
        (
            "service/requirements-train.txt:1: PIN008 sympy, required by top, has no pin "
            "(sympy~=1.14.0 is recorded): run pinproof sync"
        )
    ]
    assert not violations(whole | {"service/requirements-train.txt": f"{train}sympy~=1.14.0"})


def test_a_file_that_is_not_in_the_record_is_reported(violations: Violations) -> None:
    train = {"service/requirements-train.txt": "-r requirements-prod.txt\ntorch~=2.13.0\n"}

    assert violations(files("\n".join(PROD)) | train) == [
        (
            "service/pins-closure.json:1: PIN008 it was made for other files than service has: "
            "run pinproof sync"
        )
    ]


def test_a_missing_record_is_reported(violations: Violations) -> None:
    whole = files("\n".join(PROD))
    del whole["service/pins-closure.json"]

    assert violations(whole) == [
        (
            "service/requirements-prod.txt:1: PIN008 service/pins-closure.json is missing: "
            "run pinproof sync"
        )
    ]


def test_a_record_for_other_environments_is_reported(violations: Violations) -> None:
    assert violations(files("\n".join(PROD), closure=record(platforms=("linux-x86_64",)))) == [
        (
            "service/pins-closure.json:1: PIN008 it was made for other platforms than "
            "pins.toml names: run pinproof sync"
        )
    ]


def test_a_pin_on_an_excluded_distribution_is_reported(violations: Violations) -> None:
    found = violations(files("\n".join([*PROD, "GPU~=1.0.0"]), policy=POLICY + EXCLUSION))

    assert (
        "service/requirements-prod.txt:3: PIN008 pins.toml excludes gpu (there is none): "
        "remove this line, or the exclusion"
    ) in found
    assert (
        "service/pins-closure.json:1: PIN008 it was made for other exclusions than pins.toml "
        "names: run pinproof sync"
    ) in found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is not a closure record (document: "),
        ("[]", "it is not a closure record (document: "),
        (record().replace('"format": 1', '"format": 2'), "it is not a closure record (format: "),
        ("\0", "it is not text, it contains NUL bytes"),
    ],
)
def test_a_record_that_cannot_be_read_is_unusable(
    text: str, reason: str, violations: Violations
) -> None:
    (violation,) = violations(files("\n".join(PROD), closure=text))

    assert violation.startswith(f"service/pins-closure.json:1: PIN000 {reason}")
    assert violation.endswith(": run pinproof sync to replace it")


def test_a_record_with_an_invalid_requirement_is_reported(violations: Violations) -> None:
    found = violations(files("\n".join(PROD), closure=record(prod=[*PROD, "not one"])))

    assert found == [
        "service/pins-closure.json:1: PIN008 'not one' is not a requirement: run pinproof sync"
    ]


def test_folders_that_are_not_services_need_no_record(violations: Violations) -> None:
    whole = {"tool/requirements-prod.txt": "a~=1.0.0", "tool/requirements-dev.txt": ""}

    assert not [violation for violation in violations(whole) if " PIN008 " in violation]
