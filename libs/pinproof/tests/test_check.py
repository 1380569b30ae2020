"""The exceptions of a policy, and input that is broken or hostile."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
from pinproof.check import NothingReadError, RootError, check
from pinproof.repository.policy import PolicyError

Files = Mapping[str, str | bytes]
Write = Callable[[Files], Path]
Violations = Callable[[Files], list[str]]

EXCEPTION = """
[[exceptions]]
rule = "PIN001"
distribution = "Some.Thing"
reason = "a reason"
expires = 2026-11-22
"""


def test_an_exception_suppresses_its_rule_for_its_distribution(violations: Violations) -> None:
    files = {
        "pins.toml": EXCEPTION,
        "requirements.txt": "some_thing>=1.0\nother>=1.0\nsome-thing~=1.0; python_version < '3'",
    }

    assert violations(files) == [
        "requirements.txt:2: PIN001 other>=1.0 is not pinned with ~=: write other~=1.0.0",
        (
            "requirements.txt:3: PIN002 some-thing~=1.0 admits more than one series: "
            "write some-thing~=1.0.0"
        ),
    ]


@pytest.mark.parametrize("path", ["requirements.txt", "a/requirements.txt"])
def test_an_exception_with_a_path_ends_there(path: str, violations: Violations) -> None:
    files = {
        "pins.toml": f'{EXCEPTION}path = "{path}"',
        "requirements.txt": "some-thing",
        "a/requirements.txt": "some-thing",
    }

    (violation,) = violations(files)

    assert not violation.startswith(f"{path}:")


def test_an_exception_holds_on_its_last_day_and_not_after(write: Write) -> None:
    root = write({"pins.toml": EXCEPTION, "requirements.txt": "some-thing>=1.0"})

    assert check(root, today=date(2026, 11, 22)).violations == ()
    (violation,) = check(root, today=date(2026, 11, 23)).violations
    assert violation.message.endswith("; pins.toml allowed it until 2026-11-22 (a reason)")


def test_a_later_exception_prolongs_an_expired_one(write: Write) -> None:
    later = EXCEPTION.replace("2026-11-22", "2027-11-22")
    root = write({"pins.toml": EXCEPTION + later, "requirements.txt": "some-thing>=1.0"})

    assert check(root, today=date(2027, 1, 1)).violations == ()


def test_entries_that_do_nothing_are_named(write: Write) -> None:
    policy = """
    [policy]
    exclude = ["gone", "kept"]
    [[exceptions]]
    rule = "PIN001"
    distribution = "used"
    reason = "a reason"
    expires = 2026-11-22
    [[exceptions]]
    rule = "PIN002"
    distribution = "used"
    path = "a"
    reason = "a reason"
    expires = 2099-11-22
    [[exceptions]]
    rule = "PIN007"
    path = "install.sh"
    reason = "a reason"
    expires = 2099-11-22
    [[exclusions]]
    distribution = "nvidia"
    path = "no-service"
    reason = "a reason"
    """
    files = {"pins.toml": policy, "requirements.txt": "used>=1.0", "kept/requirements.txt": "x"}

    # An expired exception still says what to do about its violation.
    assert check(write(files), today=date(2027, 1, 1)).unused == (
        "pins.toml: the exception to PIN002 of used in a covers nothing: remove it",
        "pins.toml: the exception to PIN007 in install.sh covers nothing: remove it",
        "pins.toml: policy.exclude names gone, which does not exist: remove it",
        ("pins.toml: the exclusion of nvidia is for no-service, which does not exist: remove it"),
    )


def test_an_exception_to_no_rule_is_refused(write: Write) -> None:
    root = write({"pins.toml": EXCEPTION.replace("PIN001", "PIN099")})

    with pytest.raises(PolicyError, match=r"no rule PIN099; an exception names it \(a reason\)"):
        check(root)


def test_a_root_that_is_not_a_folder_is_refused(write: Write) -> None:
    with pytest.raises(RootError):
        check(write({"a": ""}) / "a")


def test_violations_come_in_the_order_of_files_and_lines(violations: Violations) -> None:
    files = {"b/requirements.txt": "x\n" * 12, "a/requirements.txt": "y", "pyproject.toml": ""}

    places = [violation.split(" ")[0] for violation in violations(files)]

    assert places[0] == "a/requirements.txt:1:"
    assert places[-1] == "b/requirements.txt:12:"
    assert places.index("b/requirements.txt:2:") < places.index("b/requirements.txt:10:")


UNUSABLE: list[tuple[Files, str]] = [
    (
        {"requirements.txt": b"\x7fELF\0\0"},
        (
            "requirements.txt:1: PIN000 it is not text, it contains NUL bytes: "
            "correct or exclude this file"
        ),
    ),
    (
        {"requirements.txt": b"a~=1.0.0\n" * 500_000},
        (
            "requirements.txt:1: PIN000 it is larger than 4194304 bytes: "
            "correct or exclude this file"
        ),
    ),
    (
        {"requirements.txt": "-r nowhere.txt"},
        (
            "requirements.txt:1: PIN000 --requirement nowhere.txt is not a file: "
            "correct the path or remove the line"
        ),
    ),
    (
        {"requirements.txt": "\n-c ."},
        (
            "requirements.txt:2: PIN000 --constraint . is not a file: "
            "correct the path or remove the line"
        ),
    ),
    (
        {"requirements.txt": "-r ../other/requirements.txt"},
        (
            "requirements.txt:1: PIN000 --requirement ../other/requirements.txt is outside of this "
            "repository, where its pins cannot be checked: include a file of the repository"
        ),
    ),
    (
        {"requirements.txt": "-r /etc/passwd"},
        (
            "requirements.txt:1: PIN000 --requirement /etc/passwd is outside of this "
            "repository, where its pins cannot be checked: include a file of the repository"
        ),
    ),
    (
        {"requirements.txt": "-r https://example.org/requirements.txt"},
        (
            "requirements.txt:1: PIN000 --requirement https://example.org/requirements.txt is "
            "outside of this repository, where its pins cannot be checked: "
            "include a file of the repository"
        ),
    ),
    (
        {"requirements.txt": "-r requirements.txt"},
        (
            "requirements.txt:1: PIN000 --requirement requirements.txt leads back to this file, "
            "which pip refuses: remove one include of the cycle"
        ),
    ),
    (
        {"pyproject.toml": "["},
        (
            "pyproject.toml:1: PIN000 it is not TOML, "
            "Invalid initial character for a key part (at end of document): "
            "correct or exclude this file"
        ),
    ),
]


@pytest.mark.parametrize(("files", "violation"), UNUSABLE)
def test_an_unreadable_file_is_reported(
    files: Files, violation: str, violations: Violations
) -> None:
    assert violations(files) == [violation]


def test_a_cycle_over_several_files_is_found_at_each_of_its_includes(
    violations: Violations,
) -> None:
    files = {
        "requirements.txt": "-r a.list",
        "a.list": "-r b.list",
        "b.list": "-r c.list\n-r end.list",
        "c.list": "-r a.list",
        "end.list": "",
    }

    assert [violation.split(" ")[0] for violation in violations(files)] == [
        "a.list:1:",
        "b.list:1:",
        "c.list:1:",
    ]


def test_what_is_unusable_hides_nothing_else(write: Write) -> None:
    report = check(write({"requirements.txt": b"\0", "constraints.txt": "a"}))

    assert [violation.code for violation in report.violations] == ["PIN001", "PIN000"]
    assert report.unusable


def test_no_exception_suppresses_what_is_unusable(write: Write) -> None:
    text = EXCEPTION.replace("PIN001", "PIN000")

    with pytest.raises(PolicyError):
        check(write({"pins.toml": text, "requirements.txt": b"\0"}))


@pytest.mark.parametrize(("target", "reason"), [("nowhere", "No such file"), ("self", "")])
def test_a_broken_link_is_reported(target: str, reason: str, write: Write) -> None:
    root = write({})
    link = root / "requirements.txt"
    link.symlink_to(link.name if target == "self" else target)

    (violation,) = check(root).violations

    assert violation.code == "PIN000"
    assert reason in violation.message


def test_a_link_out_of_the_repository_is_reported(write: Write, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("never-read", encoding="utf-8")
    root = write({})
    (root / "requirements.txt").symlink_to(tmp_path / "outside.txt")

    (violation,) = check(root).violations

    assert violation.message.startswith("it is a link to a file outside of the repository: ")


def test_a_link_inside_the_repository_is_read(write: Write) -> None:
    root = write({"pins.list": "a"})
    (root / "requirements.txt").symlink_to("pins.list")

    assert [violation.code for violation in check(root).violations] == ["PIN001"]


def test_a_file_without_permission_is_reported(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({"requirements.txt": "a~=1.0.0"})

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    # The permission bits do not stop root, as whom tests run in containers.
    monkeypatch.setattr(Path, "read_bytes", refuse)

    (violation,) = check(root).violations

    assert violation.message.startswith("Permission denied: ")


@pytest.mark.parametrize(
    "line",
    [
        "a" * 1_000_000,
        "a " * 500_000,
        "a~=1.2.3 --hash=x" * 60_000,
        "a~=1." + "9" * 5000,
        "a; " + "(" * 4000,
        "a~=1." + "9" * 4000,
        "-r " + "x" * 5000,
        "-r 'unclosed",
        "-r",
    ],
    ids=lambda line: line[:12],
)
def test_a_hostile_line_is_one_violation_with_a_short_message(
    line: str, violations: Violations
) -> None:
    (violation,) = violations({"requirements.txt": f"good~=1.0.0\n{line}\ngood-too~=1.0.0"})

    assert violation.startswith("requirements.txt:2: PIN00")
    assert len(violation) < 300


@pytest.mark.parametrize("line", [" " * 1_000_000, "#" * 1_000_000, "\\" * 1_000_000 + "\n"])
def test_a_long_line_that_says_nothing_is_nothing(line: str, violations: Violations) -> None:
    assert violations({"requirements.txt": f"{line}\na~=1.0.0"}) == []


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "\ufeff", "\\\n"])
def test_a_file_without_lines_is_clean(text: str, violations: Violations) -> None:
    assert violations({"requirements.txt": text}) == []


def test_a_name_that_could_end_a_line_does_not(violations: Violations) -> None:
    (violation,) = violations({"requirements-\n::error::.txt": "a"})

    assert violation.startswith("requirements-?::error::.txt:1: PIN001 ")


def test_the_summary_counts(write: Write) -> None:
    root = write({"requirements.txt": "a\nb", "constraints.txt": "c~=1.2.3"})

    assert check(root).summary == (
        "2 violations in 1 file; 2 files read.\nRead: requirements files (2)."
    )
    (root / "requirements.txt").unlink()
    assert check(root).result == "The pins are clean: 1 file read."


def test_many_lines_of_one_distribution_take_no_time_that_grows_with_their_square(
    violations: Violations,
) -> None:
    apart = [f"a~=1.2.3; sys_platform == 'none-{number % 50}'" for number in range(10_000)]

    assert violations({"requirements.txt": "\n".join(apart)}) == []


@pytest.mark.parametrize("files", [{}, {"README.md": "pip install x"}, {"uv.lock": ""}])
def test_a_repository_in_which_nothing_could_be_read_is_no_clean_one(
    files: Files, write: Write
) -> None:
    with pytest.raises(NothingReadError, match="no file with requirements or commands"):
        check(write(files))


def test_the_summary_says_what_was_not_read_and_what_was_skipped(write: Write) -> None:
    packages = {f"{name}/node_modules/x.sh": "pip install x" for name in "abcdefg"}
    root = write({"x.sh": "", "uv.lock": "", "setup.py": "setup(install_requires=f())", **packages})

    assert check(root).summary.splitlines() == [
        "The pins are clean: 2 files read.",
        "Read: setup.py files (1), shell scripts (1).",
        "Not read: lock files (1), setup.py files whose requirements are computed (1).",
        (
            "Skipped: a/node_modules, b/node_modules, c/node_modules, d/node_modules, "
            "e/node_modules and 2 more."
        ),
    ]


def test_large_data_is_read_by_the_line(write: Write) -> None:
    data = "- a: b\n" * 700_000

    assert check(write({"x.yml": data})).violations == ()
    (violation,) = check(write({"x.yml": f"{data}- run: pip install numpy\n"})).violations
    assert (violation.line, violation.distribution) == (700_001, "numpy")
