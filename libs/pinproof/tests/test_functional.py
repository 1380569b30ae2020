"""Runs the real command on whole repositories and compares all that it prints.

After an intended change: `pinproof check FIXTURE --format F > fixtures/expected/every-violation.F`,
and read the difference.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from pinproof.reporters import REPORTERS

FIXTURES = Path(__file__).parent / "fixtures"
REPOSITORY = Path(__file__).parents[3]


def pinproof(*arguments: str, cwd: Path = FIXTURES) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pinproof", *arguments],
        capture_output=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
    )


@pytest.mark.parametrize("name", REPORTERS)
def test_every_violation_is_reported_whole(name: str) -> None:
    run = pinproof("check", "every-violation", "--format", name)

    expected = (FIXTURES / "expected" / f"every-violation.{name}").read_text(encoding="utf-8")
    assert run.stdout == expected
    assert run.stderr == (
        "93 violations in 19 files; 21 files read.\n"
        "Read: requirements files (9), YAML files (3), shell scripts (2), Dockerfiles (1), "
        "JSON files (1), Makefiles (1), Python programs (1), TOML files (1), "
        "other text files (1), pyproject.toml files (1).\n"
    )
    assert run.returncode == 1


def test_this_repository_is_clean() -> None:
    run = pinproof("check", cwd=REPOSITORY)

    assert run.stdout == ""
    assert run.stderr.startswith("The pins are clean: ")
    assert run.returncode == 0


def test_a_repository_without_a_policy_can_be_checked(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=1.26\n", encoding="utf-8")

    run = pinproof("check", cwd=tmp_path)

    assert run.stdout == (
        "requirements.txt:1: PIN001 numpy>=1.26 is not pinned with ~=: write numpy~=1.26.0\n"
    )
    assert run.returncode == 1


def test_an_unreadable_file_exits_2_after_the_rest_is_reported(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"\0")
    (tmp_path / "constraints.txt").write_text("numpy", encoding="utf-8")

    run = pinproof("check", cwd=tmp_path)

    assert [line.split(" ")[1] for line in run.stdout.splitlines()] == ["PIN001", "PIN000"]
    assert run.returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nowhere"],
        ["check", "--format", "html"],
        ["check", "--no-such-option"],
        ["no-such-command"],
        ["explain", "PIN999"],
        ["verify"],
        ["verify", "nowhere.txt"],
    ],
)
def test_unusable_arguments_exit_2_without_a_traceback(arguments: list[str]) -> None:
    run = pinproof(*arguments)

    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr
    assert "Traceback" not in run.stderr


def test_a_mistake_in_the_policy_exits_2(tmp_path: Path) -> None:
    (tmp_path / "pins.toml").write_text("[policy]\npython = []\n", encoding="utf-8")

    run = pinproof("check", cwd=tmp_path)

    assert run.returncode == 2
    assert run.stderr == (
        "pinproof: pins.toml: policy.python: unknown key, remove it or correct its spelling. "
        "The README of pinproof lists the keys and their values.\n"
    )


def test_a_name_that_is_not_unicode_is_printed(tmp_path: Path) -> None:
    name = b"requirements-\xff.txt".decode("utf-8", "surrogateescape")
    try:
        (tmp_path / name).write_text("numpy", encoding="utf-8")
    except OSError:
        pytest.skip("this file system keeps only names in Unicode")

    run = pinproof("check", cwd=tmp_path)

    assert run.stdout.startswith("requirements-?.txt:1: PIN001 ")
    assert run.returncode == 1
