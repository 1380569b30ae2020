"""Conformance of a service's `train`: a tracking server that fails loses no training."""

import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import ClassVar, Final

import pytest
from modelseal import open_sealed

from modelwatch.tracking.after_work import NOT_RECORDED

_PASSWORD: Final = "hunter2"  # noqa: S105 - of nobody


class TrackingConformance:
    """What every `train` does if its training cannot be recorded.

    It trains with the commands that service.toml gives for proofs.

    Attributes:
        service: Folder of the service.
    """

    service: ClassVar[Path]

    @pytest.fixture(scope="class")
    @classmethod
    def work(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("tracking")

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, work: Path) -> "subprocess.CompletedProcess[str]":
        """The training, whose server refuses connections or has no client."""
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            # It is bound, and does not listen: nothing else can take the port meanwhile.
            address = f"http://127.0.0.1:{one.getsockname()[1]}"
            proof = tomllib.loads((cls.service / "service.toml").read_text("utf-8"))["proof"]
            commands: list[list[str]] = [*proof["prepare"], *proof["train"]]
            for command in commands[:-1]:
                assert cls._run(command, work).returncode == 0
            return cls._run(
                commands[-1],
                work,
                MLFLOW_TRACKING_URI=address,
                MLFLOW_TRACKING_USERNAME="someone",
                MLFLOW_TRACKING_PASSWORD=_PASSWORD,
                MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
            )

    def test_the_model_is_sealed_and_the_status_says_that_it_is_not_recorded(
        self, trained: "subprocess.CompletedProcess[str]", work: Path
    ) -> None:
        assert trained.returncode == NOT_RECORDED, trained.stderr
        model, reports = work / "model", work / "reports"
        assert f"error: {model} is complete, but it was not recorded." in trained.stderr
        command = f"modelwatch track {model} --report {reports}"
        assert f"Record it later: {command}\n" in trained.stderr
        assert _PASSWORD not in trained.stdout + trained.stderr
        digest = trained.stdout.partition("MODEL_SHA256=")[2].split()[0]
        assert open_sealed(model, expected_sha256=digest).sha256 == digest
        assert any(path.is_file() for path in reports.iterdir())

    @staticmethod
    def _run(
        command: list[str], work: Path, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        places = {"data": str(work), "model": str(work / "model"), "work": str(work)}
        return subprocess.run(  # noqa: S603 - the service's own commands
            [sys.executable, *(part.format(**places) for part in command)],
            cwd=work,
            env=os.environ | {"MLFLOW_TRACKING_URI": ""} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
