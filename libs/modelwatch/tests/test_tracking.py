"""Trainings and challenges are recorded on a real MLflow server, once, and without any risk."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from modelseal import open_sealed
from modelwatch.tracking import after_work
from modelwatch.tracking.after_work import NOT_RECORDED, record_or_exit
from modelwatch.tracking.run_record import flatten, metric_values
from orders_service import install_service, write_orders, write_service
from site_packages import on_path
from tracking_servers import free_port, mlflow_server, refusing_server, silent_server

# The client's name for a tag of ours.
SHA256 = "modelseal.sha256"
# Fails at once where the test is not about waiting.
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "1"}

Done = subprocess.CompletedProcess[str]


class Orders(NamedTuple):
    """The service and a folder for its files; a server, if the test needs one."""

    folder: Path
    server: str | None

    def run(self, *command: str | Path, **environment: str) -> Done:
        """Run a module of this environment, with the server's address unless another is given."""
        address = {"MLFLOW_TRACKING_URI": self.server} if self.server else {}
        return subprocess.run(
            [sys.executable, "-m", *map(str, command)],
            env=os.environ | address | environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def train(self, kind: str, name: str = "model", **environment: str) -> Done:
        """Train and seal the model of a kind in a folder, with its report in NAME-report."""
        data, report = write_orders(self.folder / "a.csv", 100), self.folder / f"{name}-report"
        report.mkdir(exist_ok=True)
        (report / "curve.png").write_bytes(b"a plot")
        out = ["--out", str(self.folder / name), "--reports", str(report), "--kind", kind]
        return self.run("orders", "train", "--data", data, *out, **environment)

    def track(self, *arguments: str | Path, **environment: str) -> Done:
        return self.run("modelwatch", "track", *arguments, **environment)

    def challenge(self, kind: str, out: str, **environment: str) -> Done:
        service = self.folder / "Orders"
        if not service.exists():
            write_service(service)
            self.train("champion", "champion", MLFLOW_TRACKING_URI="")
            write_orders(self.folder / "later.csv", 4000, first=1000)
        arguments = ["--champion", "champion", "--data", "later.csv", "--out", out]
        arguments += ["--python", sys.executable, "--", "--kind", kind]
        return self.run("modelwatch", "challenge", service, *arguments, **environment)

    def sha256(self, name: str) -> str:
        return hashlib.sha256((self.folder / name / "manifest.json").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with on_path(install_service(tmp_path_factory.mktemp("site"))):
        yield


@pytest.fixture
def offline(installed: None, tmp_path: Path) -> Orders:
    del installed
    return Orders(tmp_path, None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture
def orders(offline: Orders, server: str) -> Iterator[Orders]:
    """A service whose server has no model, run or experiment of it."""
    yield offline._replace(server=server)
    client = client_of(server)
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)
    for run in runs_of(client):
        client.delete_run(run.info.run_id)


def client_of(server: str) -> Any:  # noqa: ANN401 - its types would be imported with it
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    return MlflowClient(server, registry_uri=server)


def runs_of(client: Any) -> list[Any]:  # noqa: ANN401
    experiments = [one.experiment_id for one in client.search_experiments()]
    return list(client.search_runs(experiments))


def versions_of(client: Any) -> list[Any]:  # noqa: ANN401
    return list(client.search_model_versions("name = 'orders'"))


def aliases_of(orders: Orders) -> dict[str, str]:
    """For each alias of the model, the SHA-256 of the version that has it."""
    assert orders.server
    client = client_of(orders.server)
    [model] = client.search_registered_models("name = 'orders'")
    return {
        alias: client.get_model_version("orders", version).tags[SHA256]
        for alias, version in model.aliases.items()
    }


def test_a_training_is_recorded_and_its_model_comes_back_as_it_was_sealed(
    orders: Orders, tmp_path: Path
) -> None:
    done = orders.train("better")
    assert done.returncode == 0, done.stderr
    assert f"recorded:  orders, version 1: {orders.server}/#/experiments/" in done.stdout

    client = client_of(orders.server or "")
    [version], [run] = versions_of(client), runs_of(client)
    sha256 = orders.sha256("model")
    assert version.tags == {SHA256: sha256}
    assert version.run_id == run.info.run_id
    assert aliases_of(orders) == {}
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "training 1.0.0+better"
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_bytes())
    # The list of rows is too long for a parameter. The sealed model has it.
    assert run.data.params == {
        "kind": "better",
        "python": manifest["python"],
        **{
            f"library.{name}": one["version"]
            for name, one in manifest["environment"].items()
            if one["guarded"]
        },
    }
    names = {one.path for one in client.list_artifacts(run.info.run_id, "training-report")}
    assert names == {"training-report/curve.png", "training-report/evaluation.json"}

    from mlflow.artifacts import download_artifacts

    folder = tmp_path / "back"
    folder.mkdir()
    back = download_artifacts(version.source, dst_path=str(folder), tracking_uri=orders.server)
    assert Path(back).is_relative_to(folder)
    opened = open_sealed(Path(back), expected_sha256=sha256)
    assert opened.manifest.version == "1.0.0+better"


def test_a_model_is_recorded_once(orders: Orders) -> None:
    orders.train("better")
    done = orders.track("model", "--report", "model-report")
    assert done.returncode == 0, done.stderr
    assert "recorded:  orders, version 1 (recorded earlier): " in done.stdout
    client = client_of(orders.server or "")
    assert len(versions_of(client)) == len(runs_of(client)) == 1

    orders.train("worse", "other")
    assert {one.version for one in versions_of(client)} == {"1", "2"}


def test_an_interrupted_record_is_completed(orders: Orders) -> None:
    """As if it had been killed after the run was created: there is one run, and no model."""
    orders.train("better", MLFLOW_TRACKING_URI="")
    client = client_of(orders.server or "")
    experiment = client.get_experiment_by_name("orders")
    number = experiment.experiment_id if experiment else client.create_experiment("orders")
    tags = {"modelwatch.key": orders.sha256("model")}
    begun = client.create_run(number, tags=tags)
    done = orders.track("model")
    assert done.returncode == 0, done.stderr
    [run], [version] = runs_of(client), versions_of(client)
    assert run.info.run_id == begun.info.run_id == version.run_id
    assert run.info.status == "FINISHED"
    assert run.data.params["kind"] == "better"
    artifacts = {one.path for one in client.list_artifacts(run.info.run_id, "model")}
    assert artifacts == {"model/manifest.json", "model/model.json"}


def test_metrics_are_recorded(orders: Orders) -> None:
    orders.challenge("better", "decision")
    client = client_of(orders.server or "")
    [run] = [one for one in runs_of(client) if one.info.run_name.startswith("challenge")]
    document = json.loads((orders.folder / "decision" / "decision.json").read_bytes())
    gain = document["metrics"]["log_loss"]
    for part in ("champion", "challenger", "gain", "low", "high"):
        assert run.data.metrics[f"log_loss.{part}"] == gain[part]
    assert run.data.metrics["gate.better"] == 1.0
    assert run.data.metrics["rows.compared"] == document["rows"]["compared"]
    assert run.data.params["gates.metric"] == "log_loss"
    assert run.data.tags["challenge.decision"] == "promoted"


def test_a_model_that_changed_is_not_recorded(orders: Orders) -> None:
    orders.train("better", MLFLOW_TRACKING_URI="")
    (orders.folder / "model" / "model.json").write_text("{}")
    done = orders.track("model")
    assert done.returncode == 1
    assert "Refused (file-digest)" in done.stderr
    assert runs_of(client_of(orders.server or "")) == []


def test_without_the_variable_nothing_is_recorded_or_imported(offline: Orders) -> None:
    done = offline.train("better", MLFLOW_TRACKING_URI="", **poisoned(offline.folder))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_training_is_kept_if_the_server_is_down(offline: Orders) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    done = offline.train("better", MLFLOW_TRACKING_URI=address, **IMPATIENT)
    assert done.returncode == NOT_RECORDED
    assert f"error: {offline.folder}/model is complete, but it was not recorded." in done.stderr
    assert f"{address} does not answer, or refuses" in done.stderr
    later = f"modelwatch track {offline.folder}/model --report {offline.folder}/model-report"
    assert f"Record it later: {later}\n" in done.stderr
    assert open_sealed(offline.folder / "model").manifest.version == "1.0.0+better"


def test_a_training_is_kept_if_the_client_is_not_installed(offline: Orders) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    done = offline.train("better", MLFLOW_TRACKING_URI=address, **poisoned(offline.folder))
    assert done.returncode == NOT_RECORDED
    assert "there is no module mlflow. Install modelwatch's extra `tracking`" in done.stderr
    assert open_sealed(offline.folder / "model").manifest.version == "1.0.0+better"


def test_a_training_is_kept_if_the_server_never_answers(
    offline: Orders, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with silent_server() as address:
        done = offline.train("better", MLFLOW_TRACKING_URI=address, **IMPATIENT)
        assert done.returncode == NOT_RECORDED
        assert "timed out" in done.stderr

        # The limit of the whole record, should single requests be answered too slowly.
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        monkeypatch.setattr(after_work, "_LIMIT_S", 1.0)
        with pytest.raises(SystemExit) as exit_status:
            record_or_exit(offline.folder / "model")
    assert exit_status.value.code == NOT_RECORDED
    assert "It took longer than 1 s." in capsys.readouterr().err


def test_credentials_are_sent_and_never_printed(offline: Orders) -> None:
    offline.train("better", MLFLOW_TRACKING_URI="")
    received: list[str] = []
    with refusing_server(received) as address:
        users = {"MLFLOW_TRACKING_USERNAME": "someone", "MLFLOW_TRACKING_PASSWORD": "hunter2"}
        for credentials in (users, {"MLFLOW_TRACKING_TOKEN": "hunter2"}):
            done = offline.track("model", MLFLOW_TRACKING_URI=address, **IMPATIENT, **credentials)
            assert done.returncode == 2
            assert "401" in done.stderr
            assert "hunter2" not in done.stdout + done.stderr
    # The first is base64 of someone:hunter2.
    assert set(received) == {"Basic c29tZW9uZTpodW50ZXIy", "Bearer hunter2"}


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://me:hunter2@localhost:5000", "contains a user or a password"),
        ("https://hunter2@localhost", "contains a user or a password"),
        ("sqlite:///hunter.db", "not the address of a server"),
        ("http://", "not the address of a server"),
        ("http://[::1", "not the address of a server"),
    ],
)
def test_other_addresses_are_refused(offline: Orders, address: str, message: str) -> None:
    done = offline.train("better", MLFLOW_TRACKING_URI=address)
    assert done.returncode == NOT_RECORDED
    assert message in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert (offline.folder / "model" / "manifest.json").is_file()


def test_track_without_the_variable_is_refused(offline: Orders) -> None:
    done = offline.track("model", MLFLOW_TRACKING_URI="")
    assert done.returncode == 2
    assert "MLFLOW_TRACKING_URI is not set" in done.stderr


@pytest.mark.parametrize(
    ("kind", "status"), [("better", 0), pytest.param("worse", 1, marks=pytest.mark.nightly)]
)
def test_a_challenge_names_the_challenger_and_never_the_champion(
    orders: Orders, kind: str, status: int
) -> None:
    done = orders.challenge(kind, "decision")
    assert done.returncode == status, done.stderr
    sha256 = orders.sha256("decision/challenger")
    assert aliases_of(orders) == {"challenger": sha256}
    client = client_of(orders.server or "")
    [version] = versions_of(client)
    decision = "promoted" if status == 0 else "not-promoted"
    assert version.tags["challenge.decision"] == decision
    # One of the challenge, one of the challenger's training, and none of its own `train`.
    assert len(runs_of(client)) == 2
    [run] = [one for one in runs_of(client) if one.info.run_id != version.run_id]
    assert run.data.tags["challenge.challenger"] == sha256
    assert run.data.tags["challenge.champion"] == orders.sha256("champion")
    artifacts = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert artifacts == {"decision.html", "decision.json"}
    assert "training-report/evaluation.json" in {
        one.path for one in client.list_artifacts(version.run_id, "training-report")
    }

    assert orders.track("decision").returncode == 0
    assert len(runs_of(client)) == 2
    assert len(versions_of(client)) == 1


@pytest.mark.nightly
def test_a_decision_that_is_recorded_late_does_not_take_the_alias_from_a_later_one(
    orders: Orders,
) -> None:
    orders.challenge("worse", "first", MLFLOW_TRACKING_URI="")
    early = json.loads((orders.folder / "first" / "decision.json").read_bytes())
    early["created"] = "2026-01-01T00:00:00+00:00"
    (orders.folder / "first" / "decision.json").write_text(json.dumps(early))
    orders.challenge("better", "second")
    assert orders.track("first").returncode == 0
    assert aliases_of(orders) == {"challenger": orders.sha256("second/challenger")}
    assert len(versions_of(client_of(orders.server or ""))) == 2


def test_a_decision_is_kept_if_the_server_is_down(offline: Orders) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    done = offline.challenge("better", "decision", MLFLOW_TRACKING_URI=address, **IMPATIENT)
    assert done.returncode == NOT_RECORDED
    assert "decision:    promoted; see" in done.stdout
    assert "Record it later: modelwatch track" in done.stderr
    document = json.loads((offline.folder / "decision" / "decision.json").read_bytes())
    assert document["decision"] == "promoted"


@pytest.mark.nightly
def test_a_challenger_that_is_not_the_one_decided_about_is_refused(orders: Orders) -> None:
    orders.challenge("better", "decision", MLFLOW_TRACKING_URI="")
    orders.challenge("worse", "other", MLFLOW_TRACKING_URI="")
    (orders.folder / "decision" / "challenger").rename(orders.folder / "aside")
    (orders.folder / "other" / "challenger").rename(orders.folder / "decision" / "challenger")
    done = orders.track("decision")
    assert done.returncode == 2
    assert "is not the model that was decided about" in done.stderr
    assert runs_of(client_of(orders.server or "")) == []


def test_the_champion_is_the_model_of_the_release_file(orders: Orders) -> None:
    """The alias follows the file: a promotion, and its revert."""
    release = orders.folder / "cluster.toml"

    def deploy(name: str) -> Done:
        models = f'[models.orders]\nuri = "s3://m/1"\nsha256 = "{orders.sha256(name)}"\n'
        release.write_text(f"[values]\n{models}", encoding="utf-8")
        return orders.run("modelwatch", "track-champion", release)

    orders.challenge("better", "decision")
    refused = deploy("champion")
    assert refused.returncode == 2
    assert f"Not recorded: orders {orders.sha256('champion')[:12]}…" in refused.stderr
    assert set(aliases_of(orders)) == {"challenger"}

    assert orders.track("champion").returncode == 0
    assert deploy("champion").returncode == 0
    champion, challenger = orders.sha256("champion"), orders.sha256("decision/challenger")
    assert aliases_of(orders) == {"champion": champion, "challenger": challenger}

    done = deploy("decision/challenger")
    assert done.stdout == "champion:  orders, version 1\n"
    assert aliases_of(orders) == {"champion": challenger}
    assert deploy("champion").returncode == 0
    assert aliases_of(orders) == {"champion": champion}


def test_a_release_file_without_digest_is_refused(orders: Orders) -> None:
    release = orders.folder / "cluster.toml"
    release.write_text('[models.orders]\nuri = "s3://m/1"\n', encoding="utf-8")
    done = orders.run("modelwatch", "track-champion", release)
    assert done.returncode == 2
    assert "[models.orders] has no sha256" in done.stderr


def test_documents_become_parameters_and_metrics_that_mlflow_accepts() -> None:
    document: dict[str, Any] = {
        "a": {"b c": 1, "d[0]": True},
        "text": "x",
        "none": None,
        "long": "x" * 501,
    }
    assert dict(flatten(document)) == {"a.b c": "1", "a.d_0_": "true", "text": "x", "none": "null"}
    values = {"auc": 0.5, "nan": float("nan"), "none": None, "f1@5": 1.0}
    assert metric_values(values) == {"auc": 0.5, "f1_5": 1.0}


def poisoned(folder: Path) -> dict[str, str]:
    """An environment without the client: importing it fails as where it is not installed."""
    package = folder / "poisoned" / "mlflow"
    package.mkdir(parents=True, exist_ok=True)
    missing = 'raise ModuleNotFoundError("No module named \'mlflow\'", name="mlflow")\n'
    (package / "__init__.py").write_text(missing, encoding="utf-8")
    return {"PYTHONPATH": f"{package.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
