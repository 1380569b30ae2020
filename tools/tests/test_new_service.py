"""A service is made whole, or not at all."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from copies import SERVICES, Repository

Copy = Callable[[], Repository]
NAME = "Zeppelin-Finder"


def make(repository: Repository, *arguments: str) -> None:
    done = repository.run("new_service.py", *arguments)
    assert done.returncode == 0, done.stderr


def refused(repository: Repository, *arguments: str) -> str:
    """The message of a refusal, after which the repository is as it was."""
    before = changes(repository)
    done = repository.run("new_service.py", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert changes(repository) == before
    return done.stderr


def changes(repository: Repository) -> list[str]:
    return repository.git("status", "--porcelain", "--untracked-files=normal").splitlines()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_name_that_does_not_fit_or_is_taken_is_refused(copy: Copy) -> None:
    repository, other = copy(), SERVICES[0]
    (repository.root / NAME.upper()).mkdir()
    for name, message in {
        **dict.fromkeys(
            ("Zeppelin", "zeppelin-finder", "../Zeppelin-Finder", "Zéppelin-Finder", "-x", ""),
            "is not a name of words that begin with a capital",
        ),
        "Json-Finder": "json would hide a name of Python",
        "Numpy-Finder": "numpy would hide a library",
        "Servicekit-Finder": "servicekit would hide a library",
        NAME: f"There is a folder {NAME} already.",
        f"{other.name.partition('-')[0]}-Again": f"{other.name} has the package {other.package}.",
    }.items():
        stderr = refused(repository, "--", name)
        assert message in stderr
        assert stderr.endswith("Choose another name: NAME=…\n")


def test_a_port_that_is_taken_or_none_is_refused(copy: Copy) -> None:
    repository, other = copy(), SERVICES[0]
    taken = f"{other.name} has the port {other.port}."
    assert taken in refused(repository, NAME, "--port", str(other.port))
    for port in ("80", "65536", "-1", "٨٠٠٩", "http", "8004.0"):
        message = f"{port!r} is not a port from 1024 to 65535. Choose another one: PORT=…"
        assert message in refused(repository, NAME, f"--port={port}")


@pytest.mark.parametrize("file", ["README.md", "notes.txt"], ids=["changed", "unknown to git"])
def test_changes_that_are_not_committed_are_refused_and_named(copy: Copy, file: str) -> None:
    repository = copy()
    with (repository.root / file).open("a") as opened:
        opened.write("mine\n")
    assert f"changes that are not committed: {file}." in refused(repository, NAME)


def test_a_new_service_is_one_folder_with_the_lowest_free_port(copy: Copy) -> None:
    repository = copy()
    port = min({*range(8001, 9000)} - {service.port for service in SERVICES})

    done = repository.run("new_service.py", NAME)

    assert done.returncode == 0, done.stderr
    assert f"Made {NAME}: import package zeppelin, port {port}." in done.stdout
    assert changes(repository) == [f"?? {NAME}/"]
    [made] = [one for one in repository.services() if one.name == NAME]
    assert (made.package, made.port) == ("zeppelin", port)
    assert list((repository.root / ".cache").iterdir()) == []


def test_every_file_of_the_template_is_rendered_with_the_names_of_the_service(copy: Copy) -> None:
    repository = copy()
    make(repository, NAME, "--port", "9123")

    rendered = files(repository.root / NAME)
    template = files(repository.root / "templates/service/template")
    assert set(rendered) == {path.replace("{{ package }}", "zeppelin") for path in template}
    left = [path for path, content in rendered.items() if re.search(rb"\{\{ |\{[%#]", content)]
    assert left == []
    assert rendered["deploy/base/zeppelin/settings.env"] == b"PORT=9123\n"
    assert b"containerPort: 9123" in rendered["deploy/base/zeppelin/deployment.yaml"]
    assert b"image: zeppelin-finder" in rendered["deploy/base/zeppelin/deployment.yaml"]
    assert b'title="Zeppelin Finder"' in rendered["src/zeppelin/api.py"]


def test_two_runs_render_the_same_bytes(copy: Copy) -> None:
    first, second = copy(), copy()
    for repository in (first, second):
        make(repository, NAME)
    assert files(first.root / NAME) == files(second.root / NAME)


def test_a_killed_run_leaves_nothing_and_the_next_one_works(copy: Copy) -> None:
    repository = copy()
    process = subprocess.Popen(
        [sys.executable, repository.root / "tools/new_service.py", NAME], cwd=repository.root
    )
    try:
        deadline = time.monotonic() + 60
        while not list(repository.root.glob(f".cache/new-service-*/{NAME}/src/*/schema.py")):
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert changes(repository) == []

    make(repository, NAME)
    assert changes(repository) == [f"?? {NAME}/"]


# Where imports are sorted to and lines are broken depends on the name.
@pytest.mark.parametrize("name", ["Ax-B", "Zzzzzzzzzzzzzzzzzzzz-Abcdefghijklmnopqr", "R2D2-Finder"])
def test_what_is_rendered_passes_the_linter_the_formatter_and_the_spelling(
    copy: Copy, name: str
) -> None:
    repository = copy()
    make(repository, name)
    for command in ("ruff check --quiet", "ruff format --check", "codespell"):
        tool, *words = command.split()
        done = subprocess.run(
            [repository.root / ".tools/check/bin" / tool, *words, name],
            cwd=repository.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
