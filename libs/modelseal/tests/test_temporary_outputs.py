"""Temporary files: an output is complete or absent, and a kill leaves nothing for long."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from modelseal import temporary_outputs
from modelseal.temporary_outputs import Temporary, exchange, remove_left
from writers import PROCESSES, write, write_often, write_until_killed, write_when_asked

NAMES = ["out.csv", "a b-c.tar.gz", "ü" * 127, "x" * 251 + ".csv", os.fsdecode(b"\xff\xfe.csv")]


def state(destination: Path) -> str | None:
    """The text in the destination file, or in every file of the destination folder."""
    if not destination.exists():
        return None
    files = [destination] if destination.is_file() else sorted(destination.iterdir())
    [text] = {path.read_text() for path in files}
    assert len(files) == (1 if destination.is_file() else 2)
    return text


@contextmanager
def at_work(destination: Path) -> Iterator[tuple[ForkServerProcess, Connection]]:
    """A process with a temporary file, and the connection that lets it finish."""
    test, writer = PROCESSES.Pipe()
    process = PROCESSES.Process(target=write_when_asked, args=(destination, writer))
    process.start()
    try:
        assert test.recv().exists()
        yield process, test
    finally:
        process.kill()
        process.join()
        for end in (test, writer):
            end.close()


@pytest.mark.parametrize(
    ("kind", "can_exchange"), [("file", True), ("folder", True), ("folder", False)]
)
def test_a_kill_at_any_call_leaves_the_old_or_the_new_output_and_the_next_run_removes_the_rest(
    tmp_path: Path, kind: str, *, can_exchange: bool
) -> None:
    seen: set[str | None] = set()
    hidden = 0
    for calls in range(60):
        folder = tmp_path / str(calls)
        folder.mkdir()
        destination = folder / "out.d"
        write(destination, kind, "old")
        process = PROCESSES.Process(
            target=write_until_killed,
            args=(destination, kind, calls),
            kwargs={"can_exchange": can_exchange},
        )
        process.start()
        process.join()
        found = state(destination)
        assert found in ("old", "new") or (found is None and not can_exchange), calls
        hidden += len(list(folder.iterdir())) - (found is not None)

        remove_left(destination)

        assert [path.name for path in folder.iterdir()] == ["out.d"], calls
        seen.add(state(destination))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
    else:
        pytest.fail("the writer did not come to its end")
    assert seen == {"old", "new"}
    assert hidden > 3


@pytest.mark.parametrize("name", NAMES)
def test_the_files_of_a_killed_run_are_removed_for_any_name(tmp_path: Path, name: str) -> None:
    destination = tmp_path / name
    with at_work(destination) as (process, _):
        process.kill()
        process.join()
    assert len(list(tmp_path.iterdir())) == 2

    write(destination, "file", "new")

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert destination.read_text() == "new"


def test_a_folder_that_cannot_be_removed_whole_is_removed_by_a_later_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = tmp_path / "out"
    temporary = Temporary(destination)
    temporary.path.mkdir()
    remove_tree = shutil.rmtree

    def remove_while_another_process_writes(path: Path, *, ignore_errors: bool) -> None:
        remove_tree(path, ignore_errors=ignore_errors)
        path.mkdir()

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", remove_while_another_process_writes)
        temporary.discard()
    assert list(tmp_path.iterdir()) != []

    remove_left(destination)

    assert list(tmp_path.iterdir()) == []


def test_the_files_of_a_running_process_are_not_removed(tmp_path: Path) -> None:
    destination = tmp_path / "out.csv"
    with at_work(destination) as (process, connection):
        write(destination, "file", "mine")
        assert len(list(tmp_path.iterdir())) == 3
        connection.send("finish")
        process.join()
        assert process.exitcode == 0

    assert state(destination) == "at work"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_temporary_files_of_other_outputs_and_files_with_similar_names_stay(
    tmp_path: Path,
) -> None:
    with at_work(tmp_path / "out.csv-2") as (process, _):
        process.kill()
        process.join()
    others = {path.name for path in tmp_path.iterdir()}
    precious = {".out.csv", ".out.csv-backup", ".out.csv-0123456789abcdef", ".out.csv-x.tmp"}
    for name in precious:
        (tmp_path / name).touch()

    write(tmp_path / "out.csv", "file", "new")

    assert {path.name for path in tmp_path.iterdir()} == others | precious | {"out.csv"}


def test_concurrent_runs_all_succeed_and_leave_nothing(tmp_path: Path) -> None:
    destination = tmp_path / "out.csv"
    runs = [PROCESSES.Process(target=write_often, args=(destination, str(run))) for run in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)

    assert [run.exitcode for run in runs] == [0, 0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert destination.read_text() in {"0", "1", "2", "3"}


def test_an_error_leaves_the_old_output_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "model", "folder", "old")
    with contextlib.suppress(KeyboardInterrupt), Temporary(tmp_path / "model") as temporary:
        temporary.path.mkdir()
        (temporary.path / "half").touch()
        raise KeyboardInterrupt

    assert state(tmp_path / "model") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_process_that_ends_before_the_block_begins_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from modelseal.temporary_outputs import Temporary\n"
        "temporary = Temporary(Path('out.csv'))\ntemporary.path.touch()\n"
        # A process that was forked meanwhile ends first, and removes nothing.
        "child = os.fork()\nif child == 0:\n    sys.exit()\n"
        "os.waitpid(child, 0)\nprint(len(os.listdir()))\nsys.exit(143)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (143, "2\n")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_between_two_renames_restores_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "model", "folder", "old")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        # After the old folder was moved away, and before the new one is moved.
        if self.name.endswith("-new"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    monkeypatch.setattr(temporary_outputs, "exchange", lambda _one, _other: False)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "model", "folder", "new")

    assert state(tmp_path / "model") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_two_folders_are_exchanged_in_one_step(tmp_path: Path) -> None:
    write(tmp_path / "a", "folder", "a")
    write(tmp_path / "b", "folder", "b")

    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (state(tmp_path / "a"), state(tmp_path / "b")) == ("b", "a")
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "missing")


def test_the_temporary_file_has_the_suffix_of_its_destination(tmp_path: Path) -> None:
    with Temporary(tmp_path / "out.parquet") as temporary:
        assert temporary.path.suffix == ".parquet"
        assert temporary.path.parent == tmp_path
