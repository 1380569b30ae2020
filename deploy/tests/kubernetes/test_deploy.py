"""What `deploy` asks of a cluster, told by a kubectl that notes it."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from manifests.cli import main
from manifests.combinations import build_combinations, specimen

JOB = f"chicagotaxi-pipeline-{specimen('gke').models['chicagotaxi'].sha256[:10]}"


@pytest.fixture
def cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rendered: dict[str, str]
) -> Callable[..., tuple[int, list[str]]]:
    """Run a command against a cluster where some calls fail."""

    def run(command: str, *, failing: str = "nothing", text: str = "") -> tuple[int, list[str]]:
        manifests = tmp_path / "rendered.yaml"
        manifests.write_text(text or rendered["gke"], encoding="utf-8")
        kubectl = tmp_path / "kubectl"
        kubectl.write_text(
            f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n'
            f'case "$*" in *"{failing}"*) exit 1;; esac\n',
            encoding="utf-8",
        )
        kubectl.chmod(kubectl.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("KUBECTL", str(kubectl))
        with pytest.raises(SystemExit) as ended:
            main([command, str(manifests), "--context", "here", "--timeout", "7"])
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


def test_a_new_model_gets_its_first_batch_before_anybody_waits_for_its_pods(
    cluster: Callable[..., tuple[int, list[str]]],
) -> None:
    code, calls = cluster("deploy", failing=f"get job/{JOB}")
    assert code == 0
    created = calls.index(f"-n ml-services create job {JOB} --from=cronjob/chicagotaxi-pipeline")
    waited = next(i for i, call in enumerate(calls) if f"wait job/{JOB}" in call)
    assert created < waited < next(i for i, call in enumerate(calls) if "rollout status" in call)


def test_a_model_that_has_run_is_not_run_again(
    cluster: Callable[..., tuple[int, list[str]]],
) -> None:
    assert not any("create job" in call for call in cluster("deploy")[1])


@pytest.mark.parametrize("failing", ["apply", "rollout status deployment/nlpinsight"])
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


def test_with_canaries_the_rollouts_are_waited_for(
    cluster: Callable[..., tuple[int, list[str]]],
) -> None:
    [text] = build_combinations([("canary", "monitoring")])
    text = text.replace("name: chicagotaxi-model", "name: other-model")
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: chicagotaxi-model-x}\n"
    text += f"---\n{config}data: {{MODEL_SHA256: '{'1' * 64}'}}\n"
    code, calls = cluster("deploy", text=text)
    assert code == 0
    assert not any("rollout status" in call for call in calls)
    assert sum("--for=jsonpath={.status.phase}=Healthy" in call for call in calls) == 3


def test_rolling_back_returns_every_workload_and_waits(
    cluster: Callable[..., tuple[int, list[str]]],
) -> None:
    code, calls = cluster("roll-back")
    assert code == 0
    assert sum("rollout undo deployment/" in call for call in calls) == 3
    assert sum("rollout status deployment/" in call for call in calls) == 3


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["deploy", "none.yaml"])
    assert ended.value.code == 2
    assert "Render it first" in capsys.readouterr().err
