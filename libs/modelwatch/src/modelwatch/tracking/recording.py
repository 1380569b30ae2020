"""Record a sealed model, or a challenge with its challenger."""

from pathlib import Path
from typing import NamedTuple

from modelseal.manifest import read_manifest

from modelwatch.challenge.decision_files import CHALLENGER, REPORT
from modelwatch.errors import TrackingError
from modelwatch.tracking.aliases import name_challenger
from modelwatch.tracking.decision_record import decision_record
from modelwatch.tracking.mlflow_server import RecordedRun, RecordedVersion, TrackingServer
from modelwatch.tracking.run_record import training_record

__all__ = ["RecordedChallenge", "RecordedTraining", "record_challenge", "record_model"]


class RecordedTraining(NamedTuple):
    """The run of a training, and the registered version of its model."""

    run: RecordedRun
    version: RecordedVersion


class RecordedChallenge(NamedTuple):
    """The run of a challenge, and the training of its challenger; None if none was sealed."""

    run: RecordedRun
    challenger: RecordedTraining | None


def record_model(server: TrackingServer, model: Path, report: Path | None) -> RecordedTraining:
    """Record a sealed model and its training once, and register the model.

    Args:
        server: The server.
        model: Folder of the sealed model.
        report: Folder of the training's report and plots; None for no report.

    Raises:
        SealedModelError: The model is not as it was sealed. Nothing was recorded.
        TrackingError: The server does not answer or refuses. The same call completes the record.
        OSError: The report cannot be read.
    """
    record = training_record(model, report)
    run = server.record_run(record)
    return RecordedTraining(run, server.register(record.experiment, record.key, run))


def record_challenge(server: TrackingServer, folder: Path) -> RecordedChallenge:
    """Record a challenge once, with its challenger, which gets the alias ``challenger``.

    Args:
        server: The server.
        folder: The folder that `modelwatch challenge` wrote.

    Raises:
        SealedModelError: The challenger is not as it was sealed.
        TrackingError: The decision is not valid or about another model, or the server does not
            answer or refuses. The same call completes the record.
        OSError: A file cannot be read.
    """
    record = decision_record(folder)
    training = None
    if record.challenger is not None and (folder / CHALLENGER).is_dir():
        _, sha256 = read_manifest(folder / CHALLENGER)
        if sha256 != record.challenger:
            raise TrackingError(
                f"{folder / CHALLENGER} is not the model that was decided about.",
                remedy="Give a folder as `modelwatch challenge` wrote it.",
            )
        report = folder / REPORT
        training = record_model(server, folder / CHALLENGER, report if report.is_dir() else None)
        name_challenger(server, training.version, decision=record.decision, time=record.time)
    return RecordedChallenge(server.record_run(record.run), training)
