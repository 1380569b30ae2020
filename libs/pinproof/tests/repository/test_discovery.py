import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pinproof.repository.discovery import find_files

Write = Callable[[Mapping[str, str]], Path]

FOUND = [
    "conda/requirements.txt",
    "constraints-gpu.txt",
    "constraints.txt",
    "dev-requirements.txt",
    "dev_requirements.txt",
    ".github/requirements-ci.txt",
    "a/b/c/requirements.txt",
    "a/pyproject.toml",
    "build/requirements.txt",
    "environment/requirements.txt",
    "requirements.in",
    "requirements/deep/base.txt",
    "requirements-dev.txt",
    "requirements/base.txt",
    "service/requirements/deep.txt",
]
IGNORED = [
    "notes.txt",
    "requirements.md",
    "requirements/notes.md",
    "my-requirements/base.txt",
    ".git/requirements.txt",
    ".tox/requirements.txt",
    ".venv/requirements.txt",
    "__pycache__/requirements.txt",
    "node_modules/a/requirements.txt",
    "lib/python3.11/site-packages/a/requirements.txt",
    "left/out/requirements.txt",
    "left/out.txt/requirements.txt",
]


def test_requirements_are_found_wherever_they_lie(write: Write) -> None:
    root = write(dict.fromkeys([*FOUND, *IGNORED], ""))
    (root / "environment/pyvenv.cfg").touch()
    (root / "conda/conda-meta").mkdir()

    found = find_files(root, exclude=["left/out", "left/out.txt"])

    assert found.files == tuple(sorted(FOUND))
    assert found.unreadable == ()


def test_excluding_a_folder_keeps_those_whose_names_begin_with_its(write: Write) -> None:
    root = write({"out/requirements.txt": "", "outside/requirements.txt": ""})

    assert find_files(root, exclude=["out"]).files == ("outside/requirements.txt",)


def test_a_folder_with_the_name_of_a_file_is_not_a_file(write: Write) -> None:
    root = write({"requirements.txt/notes.txt": "", "constraints.txt/requirements.txt": ""})

    assert find_files(root).files == ("constraints.txt/requirements.txt",)


def test_links_to_folders_are_not_followed(write: Write, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "requirements.txt").touch()
    root = write({"inside/requirements.txt": ""})
    (root / "away").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "inside/self").symlink_to(".")

    assert find_files(root).files == ("inside/requirements.txt",)


def test_links_to_files_and_to_nothing_are_left_to_the_reader(write: Write) -> None:
    root = write({"pins.list": ""})
    (root / "requirements.txt").symlink_to("pins.list")
    (root / "constraints.txt").symlink_to("nowhere")
    (root / "dev-requirements.txt").symlink_to("dev-requirements.txt")

    assert find_files(root).files == ("constraints.txt", "dev-requirements.txt", "requirements.txt")


def test_a_pipe_is_not_read(write: Write) -> None:
    root = write({})
    os.mkfifo(root / "requirements.txt")

    assert find_files(root).files == ()


def test_a_folder_that_cannot_be_listed_is_reported(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({"locked/requirements.txt": "", "requirements.txt": ""})
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError
        return scandir(path)

    # The permission bits do not stop root, as whom tests run in containers.
    monkeypatch.setattr(os, "scandir", refuse)

    found = find_files(root)

    assert found.files == ("requirements.txt",)
    assert found.unreadable == ("locked/",)
