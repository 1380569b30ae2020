from collections.abc import Callable, Mapping

import pytest

Violations = Callable[[Mapping[str, str]], list[str]]

PINNED = [
    "numpy~=1.26.4",
    "numpy ~= 1.26.4",
    "numpy (~=1.26.4)",
    "numpy[fast,small]~=1.26.4",
    'numpy~=1.26.4; sys_platform == "linux"',
    "numpy~=1.26.4.post1",
    "numpy~=1!1.26.4",
    "numpy~=1.26.4rc1",
    "numpy~=1.26.4 --hash=sha256:0123",
]
UNPINNED = [
    ("numpy", "numpy has no pin: write numpy~= and the version that you tested, like ~=1.2.3"),
    ("numpy>=1.26", "numpy>=1.26 is not pinned with ~=: write numpy~=1.26.0"),
    ("numpy==1.26.4", "numpy==1.26.4 is not pinned with ~=: write numpy~=1.26.4"),
    ("numpy==1.26.*", "numpy==1.26.* is not pinned with ~=: write numpy~=1.26.0"),
    ("numpy===1.26.4", "numpy===1.26.4 is not pinned with ~=: write numpy~=1.26.4"),
    ("numpy==0.0.9", "numpy==0.0.9 is not pinned with ~=: write numpy~=0.0.9.0"),
    ("numpy>=1.26,<2", "numpy<2,>=1.26 is not pinned with ~=: write numpy~=1.26.0"),
    (
        "numpy!=1.26.0",
        (
            "numpy!=1.26.0 is not pinned with ~=: "
            "write numpy~= and the version that you tested, like ~=1.2.3"
        ),
    ),
    (
        "numpy~=1.26.4,!=1.26.5",
        "numpy!=1.26.5,~=1.26.4 has a second operator besides ~=: write numpy~=1.26.6",
    ),
    (
        "numpy~=1.26.4,<1.26.9",
        (
            "numpy<1.26.9,~=1.26.4 has a second operator besides ~=: "
            "write numpy~= and the version that you tested, like ~=1.2.3"
        ),
    ),
    (
        "numpy>=1.26,!=1.26.0,<1.27",
        "numpy!=1.26.0,<1.27,>=1.26 is not pinned with ~=: write numpy~=1.26.1",
    ),
    (
        "numpy>=1.26,!=1.26.3,!=1.26.0",
        "numpy!=1.26.0,!=1.26.3,>=1.26 is not pinned with ~=: write numpy~=1.26.4",
    ),
    ("numpy>1.26", "numpy>1.26 is not pinned with ~=: write numpy~=1.26.1"),
    (
        "numpy>=1.26,!=1.26.*",
        (
            "numpy!=1.26.*,>=1.26 is not pinned with ~=: "
            "write numpy~= and the version that you tested, like ~=1.2.3"
        ),
    ),
    ("numpy>=1.26,!=1.25.1", "numpy!=1.25.1,>=1.26 is not pinned with ~=: write numpy~=1.26.0"),
    (
        "numpy~=1.26.0,~=1.26.4",
        "numpy~=1.26.0,~=1.26.4 has a second operator besides ~=: write numpy~=1.26.4",
    ),
]
NO_REQUIREMENT = ["numpy*", "numpy==*", "numpy=1.26", "numpy~=1", "~=1.26.4", "a b", "numpy~=1.*"]


@pytest.mark.parametrize("line", PINNED)
def test_one_compatible_release_is_a_pin(line: str, violations: Violations) -> None:
    assert violations({"requirements.txt": line}) == []


@pytest.mark.parametrize(("line", "message"), UNPINNED)
def test_everything_else_is_not_and_the_pin_to_write_is_named(
    line: str, message: str, violations: Violations
) -> None:
    assert violations({"requirements.txt": line}) == [f"requirements.txt:1: PIN001 {message}"]


@pytest.mark.parametrize("line", NO_REQUIREMENT)
def test_a_line_that_is_not_a_requirement_is_not_a_pin(line: str, violations: Violations) -> None:
    (violation,) = violations({"requirements.txt": line})

    assert violation.startswith(f"requirements.txt:1: PIN001 {line!r} is not a requirement (")
    assert violation.endswith("): write name~=1.2.3")


def test_constraints_are_pins_too(violations: Violations) -> None:
    assert violations({"constraints.txt": "numpy<2"}) == [
        (
            "constraints.txt:1: PIN001 numpy<2 is not pinned with ~=: "
            "write numpy~= and the version that you tested, like ~=1.2.3"
        )
    ]
