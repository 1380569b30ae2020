"""Proposals of pins from lock files and environments, applied by git."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import pytest
from pinproof.adoption.locks import LockError, read_lock
from pinproof.cli import app
from typer.testing import CliRunner, Result

Write = Callable[[Mapping[str, str]], Path]

PACKAGE = '[[package]]\nname = "{}"\nversion = "{}"\n'
TOML = PACKAGE.format("NumPy", "1.26.4") + PACKAGE.format("small", "0.0.9")
JSON = {"default": {"numpy": {"version": "==1.26.4"}}, "develop": {"small": {"version": "==0.0.9"}}}
LOCKS = {
    "uv.lock": TOML + '[[package]]\nname = "own"\nsource = { virtual = "." }\n',
    "poetry.lock": TOML,
    "pdm.lock": TOML,
    "pylock.toml": TOML.replace("[[package]]", "[[packages]]"),
    "pylock.dev.toml": TOML.replace("[[package]]", "[[packages]]"),
    "Pipfile.lock": json.dumps(JSON),
    "lock.txt": "numpy==1.26.4 \\\n    --hash=sha256:00\nsmall==0.0.9  # via numpy\n-e .\n",
}


def adopt(root: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["adopt", str(root), *options])


@pytest.mark.parametrize(("name", "text"), LOCKS.items())
def test_every_kind_of_lock_file_is_read(name: str, text: str, write: Write) -> None:
    versions = read_lock(write({name: text}) / name)

    assert {key: list(map(str, found)) for key, found in versions.items()} == {
        "numpy": ["1.26.4"],
        "small": ["0.0.9"],
    }


# The line, and what adopt writes; the lock has numpy 1.26.4, small 0.0.9, two 1.0.0 and 2.0.0.
LINES = [
    ("numpy", "numpy~=1.26.4"),
    ("numpy>=1.26", "numpy~=1.26.4"),
    ("NumPy[test, more] >=1.20,<2 ; python_version < '3.14'  # why",
     "NumPy[test, more]~=1.26.4 ; python_version < '3.14'  # why"),
    ("  numpy==1.26.4", "  numpy~=1.26.4"),
    ("numpy (>=1.20)", "numpy~=1.26.4"),
    ("numpy~=1.26", "numpy~=1.26.4"),
    ("numpy==1.26.*", "numpy~=1.26.4"),
    ("numpy!=1.26.0", "numpy~=1.26.4"),
    ("small>=0.0.1", "small~=0.0.9.0"),
    ("two<2", "two~=1.0.0"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "pinned"), LINES)
def test_a_line_gets_the_series_of_the_locked_version(line: str, pinned: str, write: Write) -> None:
    lock = TOML + PACKAGE.format("two", "1.0.0") + PACKAGE.format("two", "2.0.0")
    root = write({"uv.lock": lock, "a/requirements.txt": f"# first\n{line}\nkept~=1.2.3\n"})

    result = adopt(root, "--write")

    assert (root / "a/requirements.txt").read_text() == f"# first\n{pinned}\nkept~=1.2.3\n"
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("numpy>=2", "uv.lock has 1.26.4, which it does not admit"),
        ("absent>=1", "uv.lock does not have it"),
        ("two>=1", "uv.lock has 1.0.0, 2.0.0: write a line with a marker for each"),
        ("numpy==1.26.4 --hash=sha256:00", "it has a hash, and pip refuses hashes without =="),
        ("numpy>=1.26\\\n,<2", "it is not on one line of its own: change it by hand"),
    ],
)
def test_a_line_that_cannot_be_pinned_is_told_and_kept(
    line: str, reason: str, write: Write
) -> None:
    lock = TOML + PACKAGE.format("two", "1.0.0") + PACKAGE.format("two", "2.0.0")
    root = write({"uv.lock": lock, "requirements.txt": f"{line}\nsmall\n"})

    result = adopt(root, "--write")

    assert (root / "requirements.txt").read_text() == f"{line}\nsmall~=0.0.9.0\n"
    assert "requirements.txt:1: " in result.stderr
    assert reason in result.stderr
    assert "1 pinned, 1 cannot." in result.stderr
    assert result.exit_code == 1


PYPROJECT = """\
[build-system]
requires = ["small>=0.0.1"]
[project]
name = "own"
dependencies = ["numpy>=1.20", "numpy-ext", 'small; python_version < "3.13"']
[project.optional-dependencies]
more = [
    "numpy[extra] >=1.20; sys_platform == \\"linux\\"",  # numpy>=1.20
]
"""


def test_the_lists_of_a_pyproject_are_pinned_in_their_places(write: Write) -> None:
    root = write({"poetry.lock": TOML, "pyproject.toml": PYPROJECT})

    result = adopt(root, "--write")

    expected = PYPROJECT.replace('"small>=0.0.1"', '"small~=0.0.9.0"')
    expected = expected.replace('["numpy>=1.20"', '["numpy~=1.26.4"')
    expected = expected.replace("'small;", "'small~=0.0.9.0;")
    expected = expected.replace("numpy[extra] >=1.20;", "numpy[extra]~=1.26.4;")
    assert (root / "pyproject.toml").read_text() == expected
    assert "pyproject.toml:5: numpy-ext: poetry.lock does not have it\n" in result.stderr


def test_the_patch_is_one_for_git_and_the_files_then_pass_the_check(write: Write) -> None:
    files = {
        "requirements.in": "numpy\n",
        "requirements.txt": "numpy==1.26.4\nsmall==0.0.9  # via numpy",
        "crlf/requirements.txt": "numpy==2.0.0\r\nkept~=1.0.0\r\n",
    }
    root = write(files)

    command = [sys.executable, "-m", "pinproof", "adopt"]
    run = subprocess.run(command, cwd=root, capture_output=True, check=False)
    assert {name: (root / name).read_bytes().decode() for name in files} == files
    subprocess.run(["git", "apply", "-p1", "-"], cwd=root, input=run.stdout, check=True)

    assert run.returncode == 1
    assert (root / "requirements.txt").read_text() == "numpy~=1.26.4\nsmall~=0.0.9.0  # via numpy"
    assert (root / "crlf/requirements.txt").read_bytes() == b"numpy~=2.0.0\r\nkept~=1.0.0\r\n"
    assert adopt(root).exit_code == 0
    assert "PIN001" not in CliRunner().invoke(app, ["check", str(root)]).stdout


def test_an_environment_names_the_versions(write: Write) -> None:
    root = write({"requirements.txt": "Packaging>=20\nabsent-here\n"})

    result = adopt(root, "--python", sys.executable, "--write")

    major, minor, *_ = version("packaging").split(".")
    assert (root / "requirements.txt").read_text().startswith(f"Packaging~={major}.{minor}.")
    assert f"requirements.txt:2: absent-here: {sys.executable} does not have it" in result.stderr


def test_a_range_without_a_lock_file_is_not_guessed(write: Write) -> None:
    result = adopt(write({"requirements.txt": "numpy>=1.26\nsmall==0.0.9\n"}))

    assert "requirements.txt:1: numpy>=1.26: no lock file has it: name one with --lock" in (
        result.stderr
    )
    assert "+small~=0.0.9.0\n" in result.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [("uv.lock", "package = 1"), ("uv.lock", "= ="), ("Pipfile.lock", "[]"), ("a.txt", "numpy>=1"),
     ("poetry.lock", PACKAGE.format("numpy", "new")),
     ("pylock.toml", 'packages = [{version = "1"}]')],
)  # fmt: skip
def test_a_lock_file_that_is_none_is_refused(name: str, text: str, write: Write) -> None:
    path = write({name: text}) / name

    with pytest.raises(LockError, match=name):
        read_lock(path)


@pytest.mark.parametrize(
    "options",
    [["--lock", "nowhere.lock"], ["--python", "nowhere"], ["--lock", "a", "--python", "b"]],
)
def test_unusable_arguments_exit_2_and_change_nothing(options: list[str], write: Write) -> None:
    root = write({"requirements.txt": "numpy==1.26.4\n"})

    result = adopt(root, "--write", *options)

    assert (result.stdout, result.exit_code) == ("", 2)
    assert (root / "requirements.txt").read_text() == "numpy==1.26.4\n"
