"""Conformance of a service's command line: paths, names, signers and signals.

A service's tests derive a class from `CommandConformance` and name its commands. In their words,
``MODEL`` is replaced by the folder of a sealed model.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from modelseal.signing import public_key_of, sign_model
from modelseal.testing.permissions import permissions_hold
from typer.testing import CliRunner, Result

from servicekit.launch import wait_until
from servicekit.testing.hostile_paths import HOSTILE, make_hostile, snapshot

NOT_UTF8: Final = os.fsdecode(b"caf\xe9")
"""A file name whose bytes are not UTF-8. Documents record it as ``caf\\xe9``."""


class CommandConformance:
    """What the commands of every service do with paths, names and signers.

    The class needs a fixture ``place``, a folder with the commands' inputs that is the current
    folder, and a fixture ``sealed``, the folder of a sealed model.

    Attributes:
        package: The service's package, run by ``python -m``.
        app: Its command line.
        path_commands: Commands with an unusable path: the suffix that the path needs, and words
            with ``HOSTILE`` in place of the path.
        pipe_commands: Commands that write a file named ``pipe``, with any suffix.
        link_command: A command that writes ``out.csv``, and the number of rows it writes.
        same_file_commands: Commands that would write over their input, by the names ``hard.csv``
            and ``symbolic.csv`` of `input_file`.
        input_file: The input of these commands.
        signer_commands: Commands that open a model, by their names.
        odd_name_commands: Commands with ``NAME`` in place of a name that is not UTF-8, each with
            its exit code. The folder ``NAME`` exists, and the file ``NAME.csv``.
        odd_name_input: The file that is renamed to ``NAME.csv``.
    """

    package: ClassVar[str]
    app: ClassVar[typer.Typer]
    path_commands: ClassVar[Mapping[str, tuple[str, str]]]
    pipe_commands: ClassVar[Sequence[str]]
    link_command: ClassVar[tuple[str, int]]
    same_file_commands: ClassVar[Sequence[str]]
    input_file: ClassVar[str] = "in.csv"
    signer_commands: ClassVar[Mapping[str, str]]
    odd_name_commands: ClassVar[Sequence[tuple[str, int]]]
    odd_name_input: ClassVar[str] = "in.csv"

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Parametrize the tests by the service's commands."""
        for name in ("path_commands", "pipe_commands", "same_file_commands", "signer_commands"):
            argument = name.removesuffix("s")
            if argument in metafunc.fixturenames:
                commands = getattr(self, name)
                by_name = (
                    commands if isinstance(commands, Mapping) else {one: one for one in commands}
                )
                metafunc.parametrize(argument, by_name.values(), ids=by_name)

    def check_odd_names(self, folder: Path, recorded: str) -> None:
        """Check what `odd_name_commands` wrote.

        Args:
            folder: The folder whose name is not UTF-8.
            recorded: The name of the input file as documents record it.
        """
        raise NotImplementedError

    @pytest.fixture
    def signed(self, sealed: Path, tmp_path: Path) -> "SignedModel":
        """A signed copy of the sealed model."""
        return SignedModel(sealed, tmp_path / "signed")

    def run(self, words: str, model: Path, *more: str) -> Result:
        """Run a command in this process."""
        arguments = [str(model) if word == "MODEL" else word for word in words.split()]
        return CliRunner().invoke(self.app, [*arguments, *more])

    @pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE)
    def test_an_unusable_path_ends_with_2_and_changes_nothing(
        self, place: Path, sealed: Path, path_command: tuple[str, str], path: str
    ) -> None:
        suffix, words = path_command
        make_hostile(place, suffix)
        before = snapshot(place)
        with permissions_hold():
            done = self.run(words.replace("HOSTILE", f"{path}{suffix}"), sealed)
        after = snapshot(place)
        (place / "closed").chmod(0o700)  # so that it can be removed
        what = f"{done.exit_code}: {done.output}, {done.exception!r}"
        assert done.exit_code == 2, what
        assert isinstance(done.exception, SystemExit), what
        assert done.stderr.count("error: ") == 1, what
        # A command may make an empty folder, to see whether it can.
        made = {name: held for name, held in after.items() if name not in before}
        assert all(not held and (place / name).is_dir() for name, held in made.items()), made
        assert before.items() <= after.items(), what

    def test_a_pipe_as_the_output_is_refused_and_stays(
        self, place: Path, sealed: Path, pipe_command: str
    ) -> None:
        [name] = {word for word in pipe_command.split() if word.startswith("pipe.")}
        os.mkfifo(name)
        done = self.run(pipe_command, sealed)
        assert done.exit_code == 2
        assert f"error: {name} is a pipe. Give the name of a file." in done.stderr
        assert (place / name).is_fifo()

    def test_a_link_as_the_output_is_followed_and_stays(self, place: Path, sealed: Path) -> None:
        words, rows = self.link_command
        (place / "volume").mkdir()
        Path("out.csv").symlink_to("volume/target.csv")
        done = self.run(words, sealed)
        assert done.exit_code == 0, done.output
        assert Path("out.csv").is_symlink()
        with Path("volume/target.csv").open(newline="", encoding="utf-8") as file:
            assert len(list(csv.DictReader(file))) == rows

    def test_another_name_of_the_input_is_refused_as_the_output(
        self, place: Path, sealed: Path, same_file_command: str
    ) -> None:
        Path("hard.csv").hardlink_to(self.input_file)
        Path("symbolic.csv").symlink_to(self.input_file)
        before = snapshot(place)
        done = self.run(same_file_command, sealed)
        assert done.exit_code == 2
        assert "is the input itself" in done.stderr
        assert snapshot(place) == before

    @pytest.mark.usefixtures("place")
    def test_names_that_are_not_utf8_are_read_written_recorded_and_printed(self) -> None:
        folder = Path(NOT_UTF8)
        folder.mkdir()
        Path(self.odd_name_input).rename(f"{NOT_UTF8}.csv")
        for words, code in self.odd_name_commands:
            done = run_command(self.package, words.replace("NAME", NOT_UTF8))
            assert done.returncode == code, done.stderr.decode()
            assert b"Traceback" not in done.stderr
        hidden = [path for path in folder.rglob("*") if path.name.startswith(".")]
        assert hidden == []
        self.check_odd_names(folder, "caf\\xe9.csv")

    @pytest.mark.usefixtures("place")
    def test_a_model_of_one_of_the_signers_is_used(
        self, signer_command: str, signed: "SignedModel"
    ) -> None:
        keys = ["--signer", signed.other, "--signer", signed.signer]
        done = self.run(signer_command, signed.model, *keys)
        assert done.exit_code == 0, done.output

    @pytest.mark.usefixtures("place")
    def test_a_model_of_another_signer_is_refused(
        self, signer_command: str, signed: "SignedModel"
    ) -> None:
        done = self.run(signer_command, signed.model, "--signer", signed.other)
        assert done.exit_code == 1
        assert f"is by {signed.signer}, which is not a signer that is accepted here" in done.stderr

    @pytest.mark.usefixtures("place")
    def test_an_unsigned_model_is_refused_where_a_signer_is_given(
        self, signer_command: str, sealed: Path, signed: "SignedModel"
    ) -> None:
        done = self.run(signer_command, sealed, "--signer", signed.signer)
        assert done.exit_code == 1
        assert "error: The model is not signed" in done.stderr

    @pytest.mark.usefixtures("place")
    def test_an_invalid_key_is_an_unusable_input(
        self, signer_command: str, signed: "SignedModel"
    ) -> None:
        done = self.run(signer_command, signed.model, "--signer", "latest")
        assert done.exit_code == 2
        assert "Invalid value for '--signer'" in done.stderr


class SignedModel:
    """A signed copy of a sealed model.

    Args:
        model: The sealed model.
        copy: Folder of the copy.

    Attributes:
        model: The copy.
        signer: Public key of its signer.
        other: Public key of another signer.
    """

    def __init__(self, model: Path, copy: Path) -> None:
        self.model = copy
        shutil.copytree(model, copy)
        key = Ed25519PrivateKey.generate()
        self.signer = sign_model(copy, key, signed=datetime.now(UTC)).signer
        self.other = public_key_of(Ed25519PrivateKey.generate())


def run_command(package: str, words: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a command as a process whose output has a strict encoding."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", package, *words.split()],
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        check=False,
    )


def end_when(
    package: str, is_time: Callable[[], bool], how: signal.Signals, *arguments: object
) -> int:
    """Start a command, send it a signal once a condition holds, and return its exit code.

    Args:
        package: The package to run.
        is_time: The condition, such as the existence of a file. It may list folders that the
            command removes at the same time.
        how: The signal.
        arguments: The command's arguments.
    """
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", package, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def is_due() -> bool:
        assert process.poll() is None, "the command ended before the signal"
        try:
            return is_time()
        except FileNotFoundError:
            # The command removed a folder while it was listed.
            return False

    try:
        wait_until(is_due, "the signal is due", poll_s=0.005, timeout_s=120)
        process.send_signal(how)
        return process.wait(120)
    finally:
        process.kill()
        process.wait()


def read_json(*parts: str | Path) -> Any:  # noqa: ANN401 - any JSON document
    """The JSON document in a file."""
    return json.loads(Path(*parts).read_bytes())
