from collections.abc import Callable, Mapping

import pytest

Violations = Callable[[Mapping[str, str]], list[str]]

DIRECT = [
    "a @ https://example.org/a.whl",
    "a[extra] @ https://example.org/a.whl ; sys_platform == 'linux'",
    "a@git+ssh://git@example.org/a.git",
    "https://example.org/a.tar.gz",
    "git+https://example.org/a.git@main#egg=a",
    "file:///somewhere/a",
    "./a",
    "../a[extra]",
    "/somewhere/a",
    "folder/a.whl",
    "a.tar.gz",
    ".",
    r"C:\somewhere\a.whl",
    "-e .",
    "-e git+https://example.org/a.git#egg=a",
    "--editable=./a",
]
REFUSED = [
    ("-i https://example.org/simple", "--index-url"),
    ("--index-url=https://example.org/simple", "--index-url"),
    ("--index-u https://example.org/simple", "--index-url"),
    ("--pypi-url https://example.org/simple", "--pypi-url"),
    ("--extra-index-url https://example.org/simple", "--extra-index-url"),
    ("--no-index", "--no-index"),
    ("-f wheels", "--find-links"),
    ("--find-links=https://example.org", "--find-links"),
    ("--pre", "--pre"),
    ("--no-deps", "--no-deps"),
    ("--trusted-host example.org", "--trusted-host"),
    ("--unheard-of", "--unheard-of"),
    ("-q", "-q"),
    ("--no-index --pre", "--no-index, --pre"),
]
ALLOWED = [
    "--require-hashes",
    "--only-binary :all:",
    "--no-binary=a",
    "--prefer-binary",
    "--use-feature fast-deps",
    "a~=1.2.3 --hash=sha256:0123",
    "a~=1.2.3 --config-settings=key=value",
    "a~=1.2.3 -C key=value",
]


@pytest.mark.parametrize("line", DIRECT)
def test_what_comes_from_no_index_is_refused(line: str, violations: Violations) -> None:
    (violation,) = violations({"requirements.txt": line})

    assert violation.startswith("requirements.txt:1: PIN003 ")
    assert violation.endswith(
        " does not name a distribution of the index: publish it there and pin it with ~="
    )


@pytest.mark.parametrize(("line", "options"), REFUSED)
def test_an_option_that_changes_the_choice_is_refused(
    line: str, options: str, violations: Violations
) -> None:
    assert violations({"requirements.txt": line}) == [
        (
            f"requirements.txt:1: PIN003 {options} does not belong in a requirements file: "
            "configure the installer instead"
        )
    ]


@pytest.mark.parametrize("line", ALLOWED)
def test_other_options_are_allowed(line: str, violations: Violations) -> None:
    assert violations({"requirements.txt": line}) == []


def test_a_password_in_an_address_is_not_repeated(violations: Violations) -> None:
    found = violations(
        {
            "requirements.txt": "a @ https://me:secret@example.org/a.whl\n"
            "--index-url https://me:secret@example.org\n"
            "-r https://me:secret@example.org/r.txt\n"
            "a~=1.0.0 https://me:secret@example.org\n"
        }
    )

    assert len(found) == 4
    assert "secret" not in "".join(found)
