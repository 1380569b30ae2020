from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Violations = Callable[[Mapping[str, str | bytes]], list[str]]
Write = Callable[[Mapping[str, str | bytes]], Path]

INSTEAD = "write it into a requirements file, and install that with -r"

# what a script says, and what is said of it
MESSAGES = [
    ("pip install numpy", f"pip install numpy is not pinned: {INSTEAD}"),
    ("pip install 'numpy>=1'", f"pip install 'numpy>=1' is not pinned: {INSTEAD}"),
    ("pip install $X", f"pip install $X cannot be checked: {INSTEAD}"),
    (
        "xargs pip install",
        f"pip install what xargs reads cannot be checked: {INSTEAD}",
    ),
    (
        "pip install https://user:word@example.org/a.whl",
        f"pip install https://***@example.org/a.whl is an address: {INSTEAD}",
    ),
    ("pip install a.whl", f"pip install a.whl is an archive: {INSTEAD}"),
    (
        "pip install ./elsewhere",
        (
            "pip install ./elsewhere is not a project of this repository: "
            "publish it, and pin it in a requirements file"
        ),
    ),
    (
        "pip install -r absent.txt",
        (
            "pip install -r absent.txt is not a requirements file of this repository: "
            "name one that is checked"
        ),
    ),
    (
        "conda env create -f x.yml",
        f"conda env create x.yml is a file that is not checked: {INSTEAD}",
    ),
    (
        "apt-get install python3-numpy",
        f"apt-get install python3-numpy is a system package: {INSTEAD}",
    ),
]


@pytest.mark.parametrize(("script", "message"), MESSAGES)
def test_the_message_says_what_and_what_to_do(
    script: str, message: str, violations: Violations
) -> None:
    assert violations({"x.sh": script}) == [f"x.sh:1: PIN007 {message}"]


def test_only_files_that_the_check_reads_are_checked(violations: Violations) -> None:
    files = {
        "pins.toml": '[policy]\nexclude = ["vendored"]\n',
        "requirements.txt": "",
        "vendored/requirements-extra.txt": "",
        "x.sh": "pip install -r requirements.txt\npip install -r vendored/requirements-extra.txt",
    }

    assert [violation.split(" ")[0] for violation in violations(files)] == ["x.sh:2:"]


@pytest.mark.parametrize("limit", ['distribution = "numpy"', 'path = "x.sh"'])
def test_an_exception_names_a_distribution_or_a_path(limit: str, violations: Violations) -> None:
    exception = f'[[exceptions]]\nrule = "PIN007"\n{limit}\nreason = "why"\nexpires = 2027-01-31\n'
    files = {"pins.toml": exception, "x.sh": "pip install numpy", "y.sh": "pip install pandas"}

    assert [violation.split(" ")[0] for violation in violations(files)] == ["y.sh:1:"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"x.yml": "install: [pip}"}, "it cannot be parsed"),
        ({"x.sh": b"pip\0"}, "it is not text, it contains NUL bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(
    files: Mapping[str, str | bytes], reason: str, violations: Violations
) -> None:
    (violation,) = violations(files)

    assert violation == (
        f"{next(iter(files))}:1: PIN007 {reason}, so it is unknown what it installs: "
        "correct or exclude this file"
    )


def test_binaries_and_licences_are_not_scripts(violations: Violations) -> None:
    files: dict[str, str | bytes] = {
        "binary": b"\x7fELF\0pip install",
        "LICENSE": "pip install numpy",
        "x.sh": "",
    }

    assert violations(files) == []
