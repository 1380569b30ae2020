"""The command lines of `deploy`, `snapshot` and `rollback`, with a kubectl that records them."""

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from clouds import OVERLAY
from manifests import rollouts
from manifests.cli import main
from manifests.combinations import build_combinations
from manifests.deploy import deploy
from manifests.services import deployed_services
from manifests.snapshot import Snapshot, write_snapshot

from kubernetes.recording_cluster import RecordingCluster

PACKAGES = sorted(one.package for one in deployed_services())
FIRST, LAST = PACKAGES[0], PACKAGES[-1]
PREFIX = "--context=here --namespace=ml-services "
Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rendered: dict[str, str]) -> Run:
    """Run a command with a kubectl that prints empty lists, and fails for some words."""
    manifests = tmp_path / "rendered.yaml"
    # Without autoscalers and jobs for new models: what they are asked is in test_roll_outs.py.
    manifests.write_text(rendered["local"].replace("runs-for-each-new-model", "x"), "utf-8")
    kubectl = tmp_path / "kubectl"
    monkeypatch.setenv("KUBECTL", str(kubectl))

    def ran(*command: str, failing: str = "nothing", record: str = "") -> tuple[int, list[str]]:
        (tmp_path / "record").write_text(record, encoding="utf-8")
        kubectl.write_text(
            f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n'
            f'case "$*" in *"{failing}"*) echo no >&2; exit 1;; esac\n'
            f'case "$*" in *"-f -"*) cat > {tmp_path}/applied;;\n'
            f'*"get configmap/"*) cat {tmp_path}/record;;\n'
            """*"get "*) echo '{"items": []}';; esac\n""",
            encoding="utf-8",
        )
        kubectl.chmod(0o755)
        arguments = [str(manifests)] if command[0] == "deploy" else []
        with pytest.raises(SystemExit) as ended:
            main([*command, *arguments, "--context", "here"])
        calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
        assert all(call.startswith(PREFIX) for call in calls)
        assert isinstance(ended.value.code, int)
        return ended.value.code, [call.removeprefix(PREFIX) for call in calls]

    return ran


def snapshot_of(text: str, *, healthy: bool = True, rollback_to: str | None = None) -> str:
    """The output of kubectl for the snapshot of a cluster."""
    cluster = RecordingCluster()
    write_snapshot(cluster, Snapshot(text, healthy, rollback_to))
    return cluster.ask("get", "configmap/rollback-snapshot", "-o", "json").stdout


APPLY = "apply --server-side --force-conflicts --field-manager=ml-services-"


def test_it_takes_a_snapshot_tries_applies_and_waits_for_every_workload(run: Run) -> None:
    code, calls = run("deploy", "--timeout", "7")

    assert code == 0
    assert calls == [
        "get configmap/rollback-snapshot --ignore-not-found -o json",
        f"{APPLY}snapshot -f -",
        f"{APPLY}deploy --dry-run=server -f -",
        f"{APPLY}snapshot -f -",
        f"{APPLY}deploy -f -",
        *(f"rollout status deployment/{name} --timeout=7s" for name in PACKAGES),
        f"{APPLY}snapshot -f -",
        "get configmaps -o json",
        "get deployments,replicasets,cronjobs,pods -o json",
    ]


@pytest.mark.parametrize(
    ("failing", "last"),
    [
        ("--dry-run=server", f"{APPLY}deploy --dry-run=server -f -"),
        ("field-manager=ml-services-deploy -f", f"{APPLY}deploy -f -"),
        (f"status deployment/{LAST}", f"get pods -l app.kubernetes.io/name={LAST}"),
    ],
)
def test_what_fails_fails_the_deployment(run: Run, failing: str, last: str) -> None:
    code, calls = run("deploy", failing=failing)

    assert code == 1
    assert calls[-1] == last


def test_a_roll_out_that_fails_shows_its_pods_and_the_others_are_waited_for(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    _, calls = run("deploy", failing=f"rollout status deployment/{FIRST}")

    assert f"get pods -l app.kubernetes.io/name={FIRST}" in calls
    waited = [call for call in calls if call.startswith("rollout status")]
    assert [call.split(" ")[2] for call in waited] == [f"deployment/{name}" for name in PACKAGES]
    # As long as it has really taken: kubectl gives up before the time is up, too.
    assert f"deployment/{FIRST} is not healthy, after 0 s:" in capfd.readouterr().err


def test_a_snapshot_makes_the_running_version_the_target_of_a_rollback(
    run: Run, tmp_path: Path
) -> None:
    code, calls = run("snapshot", record=snapshot_of("what: runs"))

    assert code == 0
    assert [call.split(" ")[0] for call in calls] == ["get", "apply"]
    written = json.loads((tmp_path / "applied").read_text(encoding="utf-8"))["data"]
    assert written["rollback-to"] == written["applied"]


def test_rolling_back_applies_what_was_recorded(run: Run, rendered: dict[str, str]) -> None:
    before = rendered["local"].replace("runs-for-each-new-model", "x")
    code, calls = run("rollback", record=snapshot_of(rendered[OVERLAY], rollback_to=before))

    assert code == 0
    assert f"{APPLY}deploy -f -" in calls
    assert f"rollout status deployment/{FIRST} --timeout=600s" in calls


def test_without_a_snapshot_nothing_is_rolled_back(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    code, calls = run("rollback")

    assert code == 2
    assert calls == ["get configmap/rollback-snapshot --ignore-not-found -o json"]
    assert "Nothing was changed" in capfd.readouterr().err


def test_a_cluster_that_does_not_answer_ends_the_deployment_before_it_begins(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    code, calls = run("deploy", failing="get configmap/")

    assert code == 2
    assert len(calls) == 1
    assert "cannot be read: no" in capfd.readouterr().err


class Canaries(RecordingCluster):
    """A cluster with Rollouts, which say that they have seen a generation, and how they are."""

    def __init__(self, seen: str, phase: str) -> None:
        super().__init__()
        status = {"observedGeneration": "3", "workloadObservedGeneration": seen, "phase": phase}
        rollout = {"metadata": {"generation": 3}, "spec": {"replicas": 2}, "status": status}
        self._both = {"items": [rollout, {"metadata": {"generation": 7}}]}

    def ask(self, *words: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        if words[0] == "get" and words[1].startswith("rollout/"):
            self.calls.append(words)
            found = self._both if words[2].startswith("deployment/") else self._both["items"][0]
            return subprocess.CompletedProcess([], 0, json.dumps(found), "")
        return super().ask(*words, text=text)


@pytest.mark.parametrize(
    ("seen", "phase", "code"),
    [("7", "Healthy", 0), ("7", "Degraded", 1), ("6", "Healthy", 1)],
    ids=["healthy", "degraded", "healthy with what was before"],
)
def test_with_canaries_the_rollouts_are_waited_for(
    monkeypatch: pytest.MonkeyPatch, kubectl: str, seen: str, phase: str, code: int
) -> None:
    assert kubectl
    monkeypatch.setattr(rollouts, "CANARY_S", 0)
    monkeypatch.setattr(rollouts, "_POLL_S", 0.05)
    cluster = Canaries(seen, phase)
    [text] = build_combinations([("canary", "monitoring")])

    assert deploy(cluster, text.replace("runs-for-each-new-model", "x"), 1) == code

    assert not any(call[:2] == ("rollout", "status") for call in cluster.calls)
    assert {call[1] for call in waits(cluster.calls)} == {f"rollout/{name}" for name in PACKAGES}


def waits(calls: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [call for call in calls if len(call) > 2 and call[2].startswith("deployment/")]


def test_a_missing_file_is_an_error_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["deploy", "none.yaml"])
    assert ended.value.code == 2
    assert "Render it first" in capsys.readouterr().err
