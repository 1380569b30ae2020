import os
import subprocess
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


def git(root: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def test_git_decides_which_files_there_are(write: Write) -> None:
    root = write(
        {
            ".gitignore": "ignored/\n*.log.txt\n.venv\n",
            "ignored/requirements.txt": "",
            ".venv/requirements.txt": "",
            "tracked/requirements.txt": "",
            ".cache/requirements.txt": "",
            ".nox/requirements.txt": "",
        }
    )
    git(root, "init", "--quiet")
    git(root, "add", "tracked", ".cache")
    (root / "new").mkdir()
    (root / "new/requirements.txt").touch()

    found = find_files(root)

    assert found.files == (
        ".cache/requirements.txt",
        "new/requirements.txt",
        "tracked/requirements.txt",
    )
    assert found.skipped == (".nox",)


def test_a_repository_within_a_repository_is_read(write: Write) -> None:
    root = write({"requirements.txt": "", "inner/requirements.txt": ""})
    git(root / "inner", "init", "--quiet")
    git(root, "init", "--quiet")

    assert find_files(root).files == ("inner/requirements.txt", "requirements.txt")


def test_a_folder_that_git_ignores_as_a_whole_is_read_if_it_is_the_root(write: Write) -> None:
    root = write({".gitignore": "out", "out/requirements.txt": ""})
    git(root, "init", "--quiet")

    assert find_files(root / "out").files == ("requirements.txt",)


def test_a_setting_of_the_repository_starts_no_program(write: Write) -> None:
    root = write({"requirements.txt": ""})
    git(root, "init", "--quiet")
    git(root, "config", "core.fsmonitor", f"touch {root}/started; false")

    assert find_files(root).files == ("requirements.txt",)
    assert not (root / "started").exists()


@pytest.mark.parametrize("folder", ["", "env/"])
@pytest.mark.parametrize("marker", ["pyvenv.cfg", "conda-meta/history"])
def test_only_what_an_environment_contains_is_skipped(
    folder: str, marker: str, write: Write
) -> None:
    kept = ["requirements.txt", "bin/requirements.txt", "lib/requirements.txt", "a/Dockerfile"]
    installed = ["lib/python3.11/ensurepip/x.py", "Lib/site-packages/y/requirements.txt"]
    root = write({f"{folder}{name}": "" for name in (marker, *kept, *installed)})

    found = find_files(root)

    assert [path for path in found.kinds if not path.endswith(marker)] == sorted(
        f"{folder}{name}" for name in kept
    )
    conda = [f"{folder}conda-meta"] if marker.startswith("conda") else []
    assert list(found.skipped) == sorted(
        [*conda, f"{folder}lib/python3.11", f"{folder}Lib/site-packages"]
    )


def test_lock_files_and_templates_of_requirements_are_counted_as_not_read(write: Write) -> None:
    names = ["uv.lock", "a/poetry.lock", "requirements.txt.j2", "recipe/meta.yaml", "README.md"]

    assert find_files(write(dict.fromkeys(names, ""))).unread == {
        "lock files": 2,
        "templates of requirements": 1,
        "conda recipes": 1,
    }
