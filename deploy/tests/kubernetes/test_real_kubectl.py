"""Rollouts with the real kubectl, against a recording API server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from manifests import first_batch
from manifests.cli import main
from manifests.deploy import deploy, rollback
from manifests.kubectl import KubectlProgram

from kubernetes.api_server import serving
from kubernetes.recording_cluster import RecordingCluster
from kubernetes.test_roll_outs import BAD, BETTER, GOOD, Version, assert_runs


@pytest.fixture
def cluster(
    kubectl: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RecordingCluster]:
    monkeypatch.setenv("KUBECTL", kubectl)
    # kubectl keeps what it has discovered under the address of the server.
    monkeypatch.setenv("KUBECACHEDIR", str(tmp_path / "cache"))
    monkeypatch.setattr(first_batch, "_POLL_S", 0.05)
    recording = RecordingCluster()
    with serving(recording, tmp_path) as config:
        monkeypatch.setenv("KUBECONFIG", str(config))
        yield recording


def test_deploying_failing_and_rolling_back_leave_what_the_release_says(
    cluster: RecordingCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    program = KubectlProgram("recording")
    assert deploy(program, GOOD.text, 30) == 0, capfd.readouterr().err
    assert_runs(cluster, GOOD.text)
    assert cluster.node("Deployment", "api")["spec"]["replicas"] == 2

    assert deploy(program, BAD.text, 30) == 1
    assert "exceeded its progress deadline" in capfd.readouterr().err
    assert_runs(cluster, BAD.text)

    assert rollback(program, 30) == 0, capfd.readouterr().err
    assert_runs(cluster, GOOD.text)
    assert cluster.batch == (GOOD.model * 32)[:10]

    assert rollback(program, 30) == 0
    assert "Nothing to do" in capfd.readouterr().err


def test_a_refusal_of_the_cluster_is_reported_before_anything_is_applied(
    cluster: RecordingCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    program = KubectlProgram(None)
    assert deploy(program, GOOD.text, 30) == 0, capfd.readouterr().err

    assert deploy(program, Version("v2", parameter="second").text, 30) == 1

    output = capfd.readouterr().err
    assert "updates to parameters are forbidden" in output
    assert "kubectl delete storageclass NAME" in output
    assert_runs(cluster, GOOD.text)


def test_old_config_leaves(cluster: RecordingCluster, tmp_path: Path) -> None:
    for first in "abcdefghijklmnop":
        data = {"kind": "ConfigMap", "metadata": {"name": f"api-model-{f'{first}x' * 5}"}}
        cluster.ask(
            *("apply", "--server-side", "--force-conflicts", "--field-manager=me"),
            text=json.dumps(data),
        )
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(BETTER.text, encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        main(["deploy", str(manifests), "--context", "recording", "--timeout", "30"])

    assert ended.value.code == 0
    names = sorted(name for name in cluster.names("ConfigMap") if name.startswith("api-model-"))
    kept = [f"api-model-{f'{first}x' * 5}" for first in "lmnop"]
    assert names == sorted([*kept, "api-model-m2m2m2m2m2"])
