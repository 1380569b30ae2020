"""`modelwatch track`."""

from pathlib import Path
from typing import Annotated

import typer

from modelwatch.challenge.decision_files import DECISION
from modelwatch.errors import TrackingError
from modelwatch.tracking.mlflow_server import TrackingServer
from modelwatch.tracking.recording import RecordedTraining, record_challenge, record_model
from modelwatch.tracking.settings import VARIABLE, read_server

__all__ = ["command", "connect"]


def command(
    folder: Annotated[
        Path, typer.Argument(help="Folder of a sealed model, or of the decision of a challenge.")
    ],
    *,
    report: Annotated[
        Path | None,
        typer.Option(help="Folder of the report and plots of the model's training.", exists=True),
    ] = None,
) -> None:
    """Record a training or a challenge on the MLflow server of MLFLOW_TRACKING_URI.

    A model is registered under its name. What is recorded already is not recorded again, and an
    interrupted record is completed.
    """
    server = connect()
    if (folder / DECISION).is_file():
        challenge = record_challenge(server, folder)
        if challenge.challenger is not None:
            _show(challenge.challenger)
        typer.echo(f"challenge: {challenge.run.url}")
    else:
        _show(record_model(server, folder, report))


def connect() -> TrackingServer:
    """The tracking server.

    Raises:
        TrackingError: None is set, its address cannot be used, or the client is not installed.
    """
    address = read_server()
    if address is None:
        raise TrackingError(f"{VARIABLE} is not set.", remedy="Give the address of the server.")
    return TrackingServer(address)


def _show(training: RecordedTraining) -> None:
    known = "" if training.run.new else " (recorded earlier)"
    version = training.version
    typer.echo(f"recorded:  {version.name}, version {version.version}{known}: {training.run.url}")
