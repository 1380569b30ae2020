"""What `deploy` asks of a cluster, told by a kubectl that notes it."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from manifests import deploy, rollouts
from manifests.cli import main
from manifests.combinations import build_combinations, specimen

MODEL = specimen("gke").models["chicagotaxi"].sha256[:10]
LISTED = f"get jobs -l ml-services/first-batch-of={MODEL}"


def job(name: str, condition: str = "") -> dict[str, object]:
    conditions = [{"type": condition, "status": "True"}] if condition else []
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


RAN = [job("ran", "Complete")]


@pytest.fixture
def cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rendered: dict[str, str]
) -> Callable[..., tuple[int, list[str]]]:
    """Run a command against a cluster where some calls fail."""

    def run(
        command: str,
        *,
        failing: str = "nothing",
        text: str = "",
        jobs: list[dict[str, object]] = RAN,
        ends: str = "Complete",
        rollout: object = None,
        timeout: str = "7",
    ) -> tuple[int, list[str]]:
        manifests = tmp_path / "rendered.yaml"
        manifests.write_text(text or rendered["gke"], encoding="utf-8")
        kubectl = tmp_path / "kubectl"
        kubectl.write_text(
            f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n'
            f'case "$*" in *"{failing}"*) exit 1;; esac\n'
            f'case "$*" in *"get jobs"*) cat {tmp_path}/jobs;; *"get job/"*) cat {tmp_path}/job;;\n'
            f'*"get rollout/"*) cat {tmp_path}/rollout;;\n'
            f'*"create -f -"*) cat > {tmp_path}/created; echo job.batch/new;; esac\n',
            encoding="utf-8",
        )
        (tmp_path / "jobs").write_text(json.dumps({"items": jobs}), encoding="utf-8")
        (tmp_path / "rollout").write_text(json.dumps(rollout), encoding="utf-8")
        (tmp_path / "job").write_text(json.dumps(job("new", ends)), encoding="utf-8")
        monkeypatch.setattr(deploy, "_LOOK_S", 0.05)
        monkeypatch.setattr(rollouts, "_LOOK_S", 0.05)
        monkeypatch.setattr(deploy, "_PIPELINE_S", 30)
        kubectl.chmod(kubectl.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("KUBECTL", str(kubectl))
        with pytest.raises(SystemExit) as ended:
            main([command, str(manifests), "--context", "here", "--timeout", timeout])
        calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
        assert all(call.startswith("--context=here ") for call in calls)
        assert isinstance(ended.value.code, int)
        return ended.value.code, [call.removeprefix("--context=here ") for call in calls]

    return run


def test_it_applies_and_waits_for_every_workload(
    cluster: Callable[..., tuple[int, list[str]]],
) -> None:
    code, calls = cluster("deploy")
    assert code == 0
    assert calls[0].startswith("apply --server-side")
    waits = [call for call in calls if "rollout status" in call]
    assert sorted(waits) == [
        f"-n ml-services rollout status deployment/{name} --timeout=7s"
        for name in ("bankchurn", "chicagotaxi", "nlpinsight")
    ]


@pytest.mark.parametrize("before", [[], [job("old", "Failed")]], ids=["new", "failed before"])
def test_a_new_model_gets_its_first_batch_before_anybody_waits_for_its_pods(
    cluster: Callable[..., tuple[int, list[str]]], tmp_path: Path, before: list[dict[str, object]]
) -> None:
    code, calls = cluster("deploy", jobs=before)
    assert code == 0
    created = calls.index("-n ml-services create -f - -o name")
    looked = calls.index("-n ml-services get job/new -o json")
    assert created < looked < next(i for i, call in enumerate(calls) if "rollout status" in call)
    made = json.loads((tmp_path / "created").read_text(encoding="utf-8"))
    assert made["metadata"]["labels"] == {"ml-services/first-batch-of": MODEL}
    # Neither the CronJob's history nor time takes away what says that it has run.
    assert "ownerReferences" not in made["metadata"]
    assert "ttlSecondsAfterFinished" not in made["spec"]
    assert made["spec"]["template"]["spec"]["containers"]


def test_one_that_runs_is_waited_for(cluster: Callable[..., tuple[int, list[str]]]) -> None:
    code, calls = cluster("deploy", jobs=[job("old", "Failed"), job("runs")])
    assert code == 0
    assert "-n ml-services get job/runs -o json" in calls
    assert not any("create" in call for call in calls)


def test_one_that_fails_ends_the_deployment_at_once(
    cluster: Callable[..., tuple[int, list[str]]],
) -> None:
    code, calls = cluster("deploy", jobs=[], ends="Failed")
    assert code == 1
    assert not any("rollout status" in call for call in calls)


def test_a_model_that_has_run_is_not_run_again(
    cluster: Callable[..., tuple[int, list[str]]],
) -> None:
    _, calls = cluster("deploy", jobs=[*RAN, job("old", "Failed")])
    assert any(LISTED in call for call in calls)
    assert not any("create" in call for call in calls)


@pytest.mark.parametrize("failing", ["apply", "get jobs", "rollout status deployment/nlpinsight"])
def test_what_fails_fails_the_deployment(
    cluster: Callable[..., tuple[int, list[str]]], failing: str
) -> None:
    assert cluster("deploy", failing=failing)[0] == 1


def test_a_roll_out_that_fails_shows_its_pods_and_the_others_are_waited_for(
    cluster: Callable[..., tuple[int, list[str]]],
) -> None:
    _, calls = cluster("deploy", failing="rollout status deployment/bankchurn")
    assert "-n ml-services get pods -l app.kubernetes.io/name=bankchurn" in calls
    assert any("deployment/nlpinsight" in call for call in calls)


@pytest.mark.parametrize(
    ("seen", "phase", "code"),
    [("7", "Healthy", 0), ("7", "Degraded", 1), ("6", "Healthy", 1)],
    ids=["healthy", "degraded", "healthy with what was before"],
)
def test_with_canaries_the_rollouts_are_waited_for(
    cluster: Callable[..., tuple[int, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    seen: str,
    phase: str,
    code: int,
) -> None:
    monkeypatch.setattr(rollouts, "CANARY_S", 0)
    [text] = build_combinations([("canary", "monitoring")])
    text = text.replace("name: chicagotaxi-model", "name: other-model")
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: chicagotaxi-model-x}\n"
    text += f"---\n{config}data: {{MODEL_SHA256: '{'1' * 64}'}}\n"
    status = {"observedGeneration": "3", "workloadObservedGeneration": seen, "phase": phase}
    items = [
        {"metadata": {"generation": 3}, "status": status},
        {"metadata": {"generation": 7}},
    ]
    ended, calls = cluster("deploy", text=text, rollout={"items": items}, timeout="1")
    assert ended == code
    assert not any("rollout status" in call for call in calls)
    asked = {call for call in calls if "get rollout/" in call}
    assert len(asked) == 3


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["deploy", "none.yaml"])
    assert ended.value.code == 2
    assert "Render it first" in capsys.readouterr().err
