"""Conformance of a service's batches on Spark: failing workers, refused models, signals, results.

A service's tests derive a class from `SparkConformance`, or from `SparkFileConformance` if the
command writes one file. In their words, ``MODEL`` is replaced by the folder of a sealed model.
"""

import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
import typer
from typer.testing import CliRunner

from servicekit.spark.check import JAVA
from servicekit.testing.hostile_paths import snapshot
from servicekit.testing.spark_run import (
    TWO_EXECUTORS,
    SparkRun,
    executors_of,
    logged_in,
    lost_executors,
    needs_proc,
    needs_spark,
)


class SparkConformance:
    """What every service's command does on Spark.

    The class needs a fixture ``place``, a folder with the command's inputs that is the current
    folder, and a fixture ``sealed``, the folder of a sealed model.

    What processes do that are killed takes minutes, and is tested nightly.

    Attributes:
        package: The service's package, run by ``python -m``.
        app: Its command line.
        spark_command: A command that writes ``out`` with a suffix, or into the folder ``out``. It
            takes several seconds on one core.
        model_file: A file of the sealed model besides its manifest.
        environment: Command that installs Spark.
        instead: Option that does without Spark.
    """

    package: ClassVar[str]
    app: ClassVar[typer.Typer]
    spark_command: ClassVar[str]
    model_file: ClassVar[str]
    environment: ClassVar[str]
    instead: ClassVar[str] = "--engine local"

    @pytest.fixture
    def model(self, sealed: Path, place: Path) -> Path:
        """A copy of the sealed model."""
        shutil.copytree(sealed, place / "model")
        return place / "model"

    @pytest.fixture
    def runs(self) -> Iterator[list[SparkRun]]:
        """The runs of a test, which leave no process behind even if it fails."""
        runs: list[SparkRun] = []
        yield runs
        for run in runs:
            run.kill()

    def start(
        self,
        runs: list[SparkRun],
        model: Path,
        words: str | None = None,
        *,
        master: str = TWO_EXECUTORS,
        settings: Sequence[str] = (),
    ) -> SparkRun:
        """Start a command on Spark."""
        words = words or self.spark_command
        arguments = words.replace("MODEL", str(model)).split()
        run = SparkRun(self.package, arguments, master=master, settings=settings)
        runs.append(run)
        return run

    @needs_spark
    @needs_proc
    @pytest.mark.nightly
    @pytest.mark.timeout(900)
    @pytest.mark.parametrize("change", ["another file", "no model"])
    def test_a_worker_refuses_a_model_that_changed_and_nothing_is_written(
        self, place: Path, model: Path, runs: list[SparkRun], change: str
    ) -> None:
        run = self.start(runs, model, master="local[2]")
        # The command has opened the model before it starts Spark.
        run.wait_for("org.apache.spark.deploy.SparkSubmit")
        if change == "another file":
            file, reason = model / self.model_file, "FileDigestError"
            contents = bytearray(file.read_bytes())
            contents[-1] ^= 1
            file.write_bytes(contents)
        else:
            reason = "ManifestError"
            model.rename(place / "elsewhere")
        changed = snapshot(place)
        code, _, errors = run.finish()
        assert code == 1, errors
        [error] = [line for line in errors.splitlines() if line.startswith("error: ")]
        assert error.startswith(
            f"error: A worker refuses the model: A worker of Spark failed: {reason}: "
        )
        assert str(model) in error
        assert error.endswith(f"Give the workers the model at {model}, and this environment.")
        check_unchanged(place, changed)
        run.wait_for_the_end_of_all()

    @needs_spark
    @needs_proc
    @pytest.mark.nightly
    @pytest.mark.timeout(900)
    def test_sigterm_ends_every_process_and_writes_nothing(
        self, place: Path, model: Path, runs: list[SparkRun]
    ) -> None:
        before = snapshot(place)
        run = self.start(runs, model)
        run.wait_for("pyspark.daemon")
        run.process.send_signal(signal.SIGTERM)
        code, _, errors = run.finish()
        assert code == 143, errors
        check_unchanged(place, before)
        run.wait_for_the_end_of_all()

    @needs_spark
    @needs_proc
    @pytest.mark.nightly
    @pytest.mark.timeout(900)
    def test_an_executor_that_is_lost_for_good_is_reported_and_nothing_is_written(
        self, place: Path, model: Path, runs: list[SparkRun]
    ) -> None:
        before = snapshot(place)
        run = self.start(runs, model, settings=["spark.task.maxFailures=1"])
        # A worker that opens the model has a task.
        run.wait_for("pyspark.daemon")
        for executor in run.find("CoarseGrainedExecutorBackend"):
            os.kill(executor, signal.SIGKILL)
        code, _, errors = run.finish()
        assert code == 2, errors
        [error] = [line for line in errors.splitlines() if line.startswith("error: ")]
        assert "failed 1 times, most recent failure: Lost task" in error
        assert "ExecutorLostFailure" in error
        assert error.endswith(
            "Run the command again; a worker that exits may lack memory "
            "(--spark spark.executor.memory=4g)."
        )
        check_unchanged(place, before)
        run.wait_for_the_end_of_all()

    @needs_spark
    @needs_proc
    @pytest.mark.slow
    @pytest.mark.timeout(900)
    def test_a_master_that_does_not_exist_is_named_with_the_remedy(
        self, place: Path, model: Path, runs: list[SparkRun]
    ) -> None:
        before = snapshot(place)
        code, _, errors = self.start(runs, model, master="sparkle://nowhere").finish()
        assert code == 2, errors
        assert "error: Spark does not start with the master sparkle://nowhere: " in errors
        assert "Could not parse Master URL" in errors
        assert "Give --master " in errors
        assert "Traceback" not in errors
        check_unchanged(place, before)

    def test_without_spark_the_command_says_what_to_install(
        self, place: Path, model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pyspark", None)
        self.refuse(place, model, f"Install it with: {self.environment} (requirements-spark.txt)")

    def test_without_java_the_command_says_what_to_install(
        self, place: Path, model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("pyspark", reason="requirements-spark.txt is not installed")
        monkeypatch.setenv("PATH", str(place))
        monkeypatch.delenv("JAVA_HOME", raising=False)
        self.refuse(
            place, model, f"Java, which is neither on PATH nor in JAVA_HOME. Install Java {JAVA}"
        )

    def test_an_old_java_is_refused(
        self, place: Path, model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("pyspark", reason="requirements-spark.txt is not installed")
        java = place / "bin" / "java"
        java.parent.mkdir()
        java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
        java.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(place))
        self.refuse(place, model, f"{java} is 11. Install Java {JAVA}")

    def refuse(self, place: Path, model: Path, reason: str) -> None:
        """Check that the command cannot start Spark and writes nothing."""
        before = snapshot(place)
        words = f"{self.spark_command} --engine pyspark".replace("MODEL", str(model))
        done = CliRunner().invoke(self.app, words.split())
        assert done.exit_code == 2, done.output
        assert reason in done.stderr
        assert f"use {self.instead}." in done.stderr
        check_unchanged(place, before)

    @pytest.mark.usefixtures("place")
    def test_a_setting_without_a_value_is_refused(self, model: Path) -> None:
        words = f"{self.spark_command} --engine pyspark --spark x".replace("MODEL", str(model))
        done = CliRunner().invoke(self.app, words.split())
        assert done.exit_code == 2
        assert "error: --spark x: give a setting as NAME=VALUE." in done.stderr


class SparkFileConformance(SparkConformance):
    """What a command that writes one file does on Spark.

    Attributes:
        file_command: A command that reads ``INPUT`` and writes ``OUTPUT``.
        spark_inputs: Two inputs with awkward rows, each of several tasks.
        spark_outputs: Suffix of the output of each.
        bad_input: An input with invalid rows in several tasks.
    """

    file_command: ClassVar[str]
    spark_inputs: ClassVar[Sequence[str]]
    bad_input: ClassVar[str]
    spark_outputs: ClassVar[Sequence[str]]

    def words(self, source: str, output: str) -> str:
        """The command with its files."""
        return self.file_command.replace("INPUT", source).replace("OUTPUT", output)

    def here(self, source: str, output: str, model: Path) -> tuple[int, str, str]:
        """Run the command on this machine: its exit code, its output and its errors."""
        words = self.words(source, output).replace("MODEL", str(model))
        done = CliRunner().invoke(self.app, words.split())
        return done.exit_code, done.stdout, done.stderr

    @needs_spark
    @needs_proc
    @pytest.mark.slow
    @pytest.mark.timeout(900)
    def test_two_executors_write_the_file_that_this_machine_writes(
        self, place: Path, model: Path, runs: list[SparkRun]
    ) -> None:
        source, suffix = self.spark_inputs[0], self.spark_outputs[0]
        run = self.start(
            runs, model, self.words(source, f"spark{suffix}"), settings=logged_in(place)
        )
        self.check_same(run, place, model, source, suffix)
        assert executors_of(place) == {"0", "1"}

    @needs_spark
    @needs_proc
    @pytest.mark.slow
    @pytest.mark.timeout(900)
    def test_invalid_rows_are_named_as_on_this_machine_and_nothing_is_written(
        self, place: Path, model: Path, runs: list[SparkRun]
    ) -> None:
        suffix = self.spark_outputs[0]
        code, _, said = self.here(self.bad_input, f"out{suffix}", model)
        assert code == 2
        (place / f"out{suffix}").write_text("yesterday's")
        before = snapshot(place)
        run = self.start(runs, model, self.words(self.bad_input, f"out{suffix}"), master="local[2]")
        code, _, errors = run.finish()
        assert code == 2
        assert said.partition("error: ")[2] == errors.partition("error: ")[2]
        assert "do not fit" in errors
        check_unchanged(place, before)

    @needs_spark
    @needs_proc
    @pytest.mark.nightly
    @pytest.mark.timeout(900)
    def test_an_executor_that_is_killed_changes_nothing_in_the_file(
        self, place: Path, model: Path, runs: list[SparkRun]
    ) -> None:
        source, suffix = self.spark_inputs[1], self.spark_outputs[1]
        run = self.start(
            runs, model, self.words(source, f"spark{suffix}"), settings=logged_in(place)
        )
        # A worker that opens the model has a task.
        run.wait_for("pyspark.daemon")
        os.kill(run.find("CoarseGrainedExecutorBackend")[0], signal.SIGKILL)
        self.check_same(run, place, model, source, suffix)
        assert lost_executors(place)

    def check_same(self, run: SparkRun, place: Path, model: Path, source: str, suffix: str) -> None:
        """Check that a run on Spark writes and says what this machine does."""
        code, theirs, errors = run.finish()
        assert code == 0, errors
        code, said, errors = self.here(source, f"here{suffix}", model)
        assert code == 0, errors
        assert theirs.replace(f"spark{suffix}", f"here{suffix}") == said
        written = (place / f"spark{suffix}").read_bytes()
        assert written == (place / f"here{suffix}").read_bytes()


def check_unchanged(place: Path, before: Mapping[str, bytes | None]) -> None:
    """Check that nothing was written. A command may make an empty folder, to see whether it can."""
    after = snapshot(place)
    made = {name: held for name, held in after.items() if name not in before}
    assert all(held is None and (place / name).is_dir() for name, held in made.items()), made
    assert before.items() <= after.items()
