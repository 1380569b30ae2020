"""The tracking server, through the client of MLflow."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from modelwatch.errors import TrackingError
from modelwatch.tracking.run_record import MODEL_FOLDER, SHA256_TAG, RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

__all__ = ["RecordedRun", "RecordedVersion", "TrackingServer"]

_KEY_TAG: Final = "modelwatch.key"
_PER_REQUEST: Final = 100
"""Largest number of parameters in a request that MLflow accepts."""

_DEFAULTS: Final = {
    # Its own waits: 120 s for each of 8 tries.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    # It would send them to its makers.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


class RecordedRun(NamedTuple):
    """A run on the server.

    Attributes:
        run_id: Its id.
        artifacts: Address of its artifacts.
        url: Its page.
        new: Whether it was recorded now, rather than earlier.
    """

    run_id: str
    artifacts: str
    url: str
    new: bool


class RecordedVersion(NamedTuple):
    """A version of a registered model.

    Attributes:
        name: Name of the model.
        version: Number of the version.
        tags: Its tags.
    """

    name: str
    version: str
    tags: Mapping[str, str]


class TrackingServer:
    """An MLflow server.

    Each method raises a TrackingError if the server does not answer or refuses.

    Args:
        address: Its address, http:// or https://.

    Raises:
        TrackingError: The client is not installed.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = _connect(address)

    def record_run(self, record: RunRecord) -> RecordedRun:
        """Record a run once. A run whose recording was interrupted is completed."""
        with self._errors():
            experiment = self._experiment(record.experiment)
            key = f"tags.`{_KEY_TAG}` = '{record.key}'"
            found = self._client.search_runs([experiment], key, max_results=1)
            run = found[0] if found else self._create(experiment, record)
            finished = run.info.status == "FINISHED"
            if not finished:
                self._fill(run, record)
            return RecordedRun(
                run_id=run.info.run_id,
                artifacts=run.info.artifact_uri,
                url=f"{self._address}/#/experiments/{experiment}/runs/{run.info.run_id}",
                new=not finished,
            )

    def register(self, name: str, sha256: str, run: RecordedRun) -> RecordedVersion:
        """Register the sealed model of a run once."""
        if found := self.find_version(name, sha256):
            return found
        with self._errors():
            # There is no request that creates it if it is missing.
            if not self._client.search_registered_models(f"name = '{name}'"):
                self._client.create_registered_model(name)
            source, tags = f"{run.artifacts}/{MODEL_FOLDER}", {SHA256_TAG: sha256}
            return _version(
                self._client.create_model_version(
                    name, source, run.run_id, tags=tags, await_creation_for=0
                )
            )

    def find_version(self, name: str, sha256: str) -> RecordedVersion | None:
        """The version of a model with this digest; None if it is not registered."""
        with self._errors():
            condition = f"name = '{name}' and tags.`{SHA256_TAG}` = '{sha256}'"
            found = self._client.search_model_versions(condition)
        # The first one, should two processes have registered the model at the same time.
        return min(map(_version, found), key=lambda one: int(one.version), default=None)

    def version_with_alias(self, name: str, alias: str) -> RecordedVersion | None:
        """The version of a model that has an alias; None if there is none."""
        with self._errors():
            found = self._client.search_registered_models(f"name = '{name}'")
            if not found or alias not in found[0].aliases:
                return None
            return _version(self._client.get_model_version(name, found[0].aliases[alias]))

    def set_alias(self, version: RecordedVersion, alias: str) -> None:
        """Give an alias to a version, and take it from any other one."""
        with self._errors():
            self._client.set_registered_model_alias(version.name, alias, version.version)

    def remove_alias(self, name: str, alias: str) -> None:
        """Remove an alias of a model."""
        with self._errors():
            self._client.delete_registered_model_alias(name, alias)

    def set_tags(self, version: RecordedVersion, tags: Mapping[str, str]) -> None:
        """Set tags of a version."""
        with self._errors():
            for name, value in tags.items():
                self._client.set_model_version_tag(version.name, version.version, name, value)

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id) if found else self._client.create_experiment(name)

    def _create(self, experiment: str, record: RunRecord) -> "Run":
        return self._client.create_run(
            experiment,
            start_time=record.start_ms,
            run_name=record.name,
            tags={**record.tags, _KEY_TAG: record.key},
        )

    def _fill(self, run: "Run", record: RunRecord) -> None:
        """Add everything to a run, and finish it. What is there already is replaced."""
        from mlflow.entities import Metric, Param

        run_id = run.info.run_id
        metrics = [Metric(name, one, record.start_ms, 0) for name, one in record.metrics.items()]
        parameters = [Param(name, value) for name, value in record.parameters.items()]
        for start in range(0, max(len(metrics), len(parameters)), _PER_REQUEST):
            part = slice(start, start + _PER_REQUEST)
            self._client.log_batch(run_id, metrics=metrics[part], params=parameters[part])
        for path, folder in record.files:
            self._client.log_artifact(run_id, str(path), folder)
        self._client.set_terminated(run_id)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException

        try:
            yield
        # Requests of files raise errors of the HTTP client, which are OSErrors.
        except (MlflowException, OSError) as error:
            reason = " ".join(str(error).split())
            raise TrackingError(
                f"{self._address} does not answer, or refuses: {reason[:500]}.",
                remedy="Start it, or correct its address and the credentials.",
            ) from error


def _connect(address: str) -> "MlflowClient":
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        # Only now: it reads the variables when it is imported.
        from mlflow import MlflowClient
    except ModuleNotFoundError as error:
        raise TrackingError(
            f"MLflow's client is not installed: there is no module {error.name}.",
            remedy="Install modelwatch's extra `tracking` in this environment.",
        ) from error
    return MlflowClient(address, registry_uri=address)


def _version(found: "ModelVersion") -> RecordedVersion:
    return RecordedVersion(found.name, str(found.version), dict(found.tags))
