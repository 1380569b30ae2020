"""What a failed roll-out changed is returned, and what it did not change is left alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workflows.conftest import Programs
from workflows.reading import ROOT

TOOL = ROOT / "deploy/release/revisions.py"


@pytest.fixture
def kubectl(programs: Callable[..., Programs]) -> Programs:
    return programs("kubectl")


def deployments(**revisions: str) -> str:
    items = [
        {
            "metadata": {
                "name": name,
                "annotations": {"deployment.kubernetes.io/revision": revision},
            }
        }
        for name, revision in revisions.items()
    ]
    return json.dumps({"items": items})


def pipeline(image: str) -> str:
    spec = {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}}
    return json.dumps({"items": [{"metadata": {"name": "chicagotaxi-pipeline"}, "spec": spec}]})


NO_PIPELINE = (0, json.dumps({"items": []}))


def run(command: str, noted: Path, kubectl: Programs) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, command, noted, "--context", "there"],
        env=kubectl.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def asked(kubectl: Programs, verb: str) -> list[list[str]]:
    prefix = ["kubectl", "--context", "there", "--namespace", "ml-services", "rollout", verb]
    return [call[7:-1] for call in kubectl.calls() if call[:7] == prefix]


def test_only_what_changed_returns_to_what_was_noted(tmp_path: Path, kubectl: Programs) -> None:
    noted = tmp_path / "reports/noted.json"
    kubectl.answer(
        {
            "get cronjobs": NO_PIPELINE,
            "get deployments": (0, deployments(bankchurn="7", nlpinsight="3")),
        }
    )
    assert run("note", noted, kubectl).returncode == 0
    # Since then, one has changed and one is new.
    kubectl.answer(
        {
            "get cronjobs": NO_PIPELINE,
            "get deployments": (0, deployments(bankchurn="8", nlpinsight="3", new="1")),
        }
    )

    done = run("return", noted, kubectl)

    assert done.returncode == 0, done.stderr
    assert asked(kubectl, "undo") == [["deployment/bankchurn", "--to-revision=7"]]
    assert asked(kubectl, "status") == [["deployment/bankchurn", "--timeout=600s"]]
    assert "Returned: bankchurn" in done.stdout


def test_where_nothing_changed_nothing_is_returned(tmp_path: Path, kubectl: Programs) -> None:
    kubectl.answer(
        {"get cronjobs": NO_PIPELINE, "get deployments": (0, deployments(bankchurn="7"))}
    )
    run("note", tmp_path / "noted.json", kubectl)

    done = run("return", tmp_path / "noted.json", kubectl)

    assert done.returncode == 0
    assert asked(kubectl, "undo") == []


@pytest.mark.parametrize("verb", ["undo", "status"])
def test_one_that_does_not_return_fails_and_the_others_still_return(
    verb: str, tmp_path: Path, kubectl: Programs
) -> None:
    kubectl.answer({"get cronjobs": NO_PIPELINE, "get deployments": (0, deployments(a="1", b="1"))})
    run("note", tmp_path / "noted.json", kubectl)
    kubectl.answer(
        {
            "get cronjobs": NO_PIPELINE,
            "get deployments": (0, deployments(a="2", b="2")),
            f"rollout {verb} deployment/a": (1, "no"),
        }
    )

    done = run("return", tmp_path / "noted.json", kubectl)

    assert done.returncode == 1
    assert "Not healthy: a\n" in done.stderr
    assert [call[0] for call in asked(kubectl, "undo")] == ["deployment/a", "deployment/b"]


@pytest.mark.parametrize(("ends", "status"), [("Complete", 0), ("Failed", 1)])
def test_the_pipeline_returns_and_makes_a_batch_before_the_pods_are_waited_for(
    ends: str, status: int, tmp_path: Path, kubectl: Programs
) -> None:
    noted = tmp_path / "noted.json"
    kubectl.answer({
        "get cronjobs": (0, pipeline("before")),
        "get deployments": (0, deployments(chicagotaxi="1")),
    })  # fmt: skip
    run("note", noted, kubectl)
    ended = {"status": {"conditions": [{"type": ends, "status": "True"}]}}
    kubectl.answer({
        "get cronjobs": (0, pipeline("after")),
        "get deployments": (0, deployments(chicagotaxi="2")),
        "get job/chicagotaxi-pipeline-returned-": (0, json.dumps(ended)),
    })  # fmt: skip

    done = run("return", noted, kubectl)

    assert done.returncode == status, done.stderr
    told = [" ".join(call[5:]) for call in kubectl.calls()]
    [patched] = [i for i, call in enumerate(told) if call.startswith("patch cronjob/")]
    [created] = [i for i, call in enumerate(told) if call.startswith("create job")]
    [waited] = [i for i, call in enumerate(told) if call.startswith("rollout status")]
    assert patched < created < waited
    assert '"image": "before"' in told[patched]
    assert "--from=cronjob/chicagotaxi-pipeline" in told[created]


def test_a_pipeline_that_did_not_change_is_not_run(tmp_path: Path, kubectl: Programs) -> None:
    kubectl.answer({
        "get cronjobs": (0, pipeline("before")),
        "get deployments": (0, deployments(chicagotaxi="1")),
    })  # fmt: skip
    run("note", tmp_path / "noted.json", kubectl)

    assert run("return", tmp_path / "noted.json", kubectl).returncode == 0
    assert not any({"patch", "create"} & {*call} for call in kubectl.calls())


def test_nothing_is_returned_to_what_nobody_noted(tmp_path: Path, kubectl: Programs) -> None:
    done = run("return", tmp_path / "noted.json", kubectl)

    assert done.returncode == 1
    assert "nothing was returned" in done.stderr
    assert kubectl.calls() == []


def test_a_cluster_that_cannot_be_asked_ends_the_deployment_before_it_begins(
    tmp_path: Path, kubectl: Programs
) -> None:
    kubectl.answer({"get deployments": (1, "Unauthorized")})

    done = run("note", tmp_path / "noted.json", kubectl)

    assert done.returncode == 1
    assert "Unauthorized" in done.stderr
    assert not (tmp_path / "noted.json").exists()
