"""What a failed roll-out changed is returned, and what it did not change is left alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from workflows.conftest import Programs
from workflows.reading import ROOT

TOOL = ROOT / "deploy/release/revisions.py"


@pytest.fixture
def kubectl(programs: Callable[..., Programs]) -> Programs:
    return programs("kubectl")


def deployments(
    *, unhealthy: str = "", made: str = "first", template: str = "", **revisions: str
) -> str:
    items = [
        {
            "metadata": {
                "name": name,
                "uid": f"{name}, {made}",
                "generation": 4,
                "annotations": {"deployment.kubernetes.io/revision": revision},
            },
            "spec": {"replicas": 0 if name == template else 2},
            "status": {
                "observedGeneration": 4,
                "conditions": [
                    {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                    {
                        "type": "Progressing",
                        "status": str(name != unhealthy),
                        "reason": (
                            "ProgressDeadlineExceeded"
                            if name == unhealthy
                            else "NewReplicaSetAvailable"
                        ),
                    },
                ],
            },
        }
        for name, revision in revisions.items()
    ]
    return json.dumps({"items": items})


def pipeline(image: str) -> str:
    spec = {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}}
    return json.dumps({"items": [{"metadata": {"name": "chicagotaxi-pipeline"}, "spec": spec}]})


NOTE = "before-the-last-roll-out"
NO_PIPELINE = (0, json.dumps({"items": []}))


def note(kubectl: Programs) -> dict[str, Any] | None:
    """What the program wrote last into the ConfigMap."""
    for *_, verb, _, _, data, _ in reversed(
        [call for call in kubectl.calls() if NOTE in " ".join(call) and "get" not in call]
    ):
        text = data.partition("=")[2]
        if verb == "create":
            text = text.removeprefix("noted=")
        else:
            text = json.loads(text)["data"]["noted"]
        found: dict[str, Any] = json.loads(text)
        return found
    return None


def cluster(
    kubectl: Programs, running: str, jobs: tuple[int, str] = NO_PIPELINE, **more: tuple[int, str]
) -> None:
    """How the cluster answers from now on, with the note that it was given."""
    noted = note(kubectl)
    config = json.dumps({"data": {"noted": json.dumps(noted)}}) if noted else ""
    kubectl.answer({
        "get cronjobs": jobs,
        "get deployments": (0, running),
        f"get configmap/{NOTE} --ignore-not-found": (0, config),
        **more,
    })  # fmt: skip


def run(command: str, kubectl: Programs) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, command, "--context", "there"],
        env=kubectl.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def asked(kubectl: Programs, verb: str) -> list[list[str]]:
    prefix = ["kubectl", "--context", "there", "--namespace", "ml-services", "rollout", verb]
    return [call[7:-1] for call in kubectl.calls() if call[:7] == prefix]


def test_only_what_changed_returns_to_what_was_noted(kubectl: Programs) -> None:
    cluster(kubectl, deployments(bankchurn="7", nlpinsight="3"))
    assert run("note", kubectl).returncode == 0
    # Since then, one has changed and one is new.
    cluster(kubectl, deployments(bankchurn="8", nlpinsight="3", new="1"))

    done = run("return", kubectl)

    assert done.returncode == 0, done.stderr
    assert asked(kubectl, "undo") == [["deployment/bankchurn", "--to-revision=7"]]
    assert asked(kubectl, "status") == [["deployment/bankchurn", "--timeout=600s"]]
    assert "Returned: bankchurn" in done.stdout


def test_where_nothing_changed_nothing_is_returned(kubectl: Programs) -> None:
    cluster(kubectl, deployments(bankchurn="7"))
    run("note", kubectl)
    cluster(kubectl, deployments(bankchurn="7"))

    done = run("return", kubectl)

    assert done.returncode == 0
    assert asked(kubectl, "undo") == []


@pytest.mark.parametrize("verb", ["undo", "status"])
def test_one_that_does_not_return_fails_and_the_others_still_return(
    verb: str, kubectl: Programs
) -> None:
    cluster(kubectl, deployments(a="1", b="1"))
    run("note", kubectl)
    failing = {f"rollout {verb} deployment/a": (1, "no")}
    cluster(kubectl, deployments(a="2", b="2"), **failing)

    done = run("return", kubectl)

    assert done.returncode == 1
    assert "Not healthy: a\n" in done.stderr
    assert [call[0] for call in asked(kubectl, "undo")] == ["deployment/a", "deployment/b"]


@pytest.mark.parametrize(("ends", "status"), [("Complete", 0), ("Failed", 1)])
def test_the_pipeline_returns_and_makes_a_batch_before_the_pods_are_waited_for(
    ends: str, status: int, kubectl: Programs
) -> None:
    cluster(kubectl, deployments(chicagotaxi="1"), (0, pipeline("before")))
    run("note", kubectl)
    ended = {"status": {"conditions": [{"type": ends, "status": "True"}]}}
    job = {"get job/chicagotaxi-pipeline-returned-": (0, json.dumps(ended))}
    cluster(kubectl, deployments(chicagotaxi="2"), (0, pipeline("after")), **job)

    done = run("return", kubectl)

    assert done.returncode == status, done.stderr
    told = [" ".join(call[5:]) for call in kubectl.calls()]
    [patched] = [i for i, call in enumerate(told) if call.startswith("patch cronjob/")]
    [created] = [i for i, call in enumerate(told) if call.startswith("create job")]
    [waited] = [i for i, call in enumerate(told) if call.startswith("rollout status")]
    assert patched < created < waited
    assert '"image": "before"' in told[patched]
    assert "--from=cronjob/chicagotaxi-pipeline" in told[created]


def test_a_pipeline_that_did_not_change_is_not_run(kubectl: Programs) -> None:
    cluster(kubectl, deployments(chicagotaxi="1"), (0, pipeline("before")))
    run("note", kubectl)
    cluster(kubectl, deployments(chicagotaxi="2"), (0, pipeline("before")))

    assert run("return", kubectl).returncode == 0
    assert not any({"cronjob/chicagotaxi-pipeline", "job"} & {*call} for call in kubectl.calls())


def test_nothing_is_returned_to_what_nobody_noted(kubectl: Programs) -> None:
    done = run("return", kubectl)

    assert done.returncode == 2
    assert "nothing was returned" in done.stderr
    assert [call[5:7] for call in kubectl.calls()] == [["get", f"configmap/{NOTE}"]]


def test_where_nothing_runs_yet_there_is_nothing_to_note(kubectl: Programs) -> None:
    cluster(kubectl, deployments())

    assert run("note", kubectl).returncode == 0
    assert note(kubectl) is None


def test_a_note_that_cannot_be_written_ends_the_deployment_before_it_begins(
    kubectl: Programs,
) -> None:
    cluster(kubectl, deployments(a="7"), **{"create configmap": (1, "Forbidden")})

    assert run("note", kubectl).returncode == 1


def test_a_second_try_is_no_way_back_to_the_first(kubectl: Programs) -> None:
    cluster(kubectl, deployments(bankchurn="7", chicagotaxi="3"), (0, pipeline("before")))
    run("note", kubectl)
    # The first try: one is not healthy, the other is. Before the second, it is noted again.
    tried = deployments(bankchurn="8", chicagotaxi="4", unhealthy="chicagotaxi")
    cluster(kubectl, tried, (0, pipeline("tried")))
    assert "stays revision 3" in run("note", kubectl).stdout
    writes = [call[5] for call in kubectl.calls() if NOTE in " ".join(call[6:8])]
    assert [verb for verb in writes if verb != "get"] == ["create", "patch"]
    again = deployments(bankchurn="9", chicagotaxi="5")
    ended = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    job = {"get job/": (0, json.dumps(ended))}
    cluster(kubectl, again, (0, pipeline("tried")), **job)

    assert run("return", kubectl).returncode == 0
    assert asked(kubectl, "undo") == [
        ["deployment/bankchurn", "--to-revision=8"],
        ["deployment/chicagotaxi", "--to-revision=3"],
    ]
    [patched] = [call for call in kubectl.calls() if "cronjob/chicagotaxi-pipeline" in call]
    assert '"image": "before"' in " ".join(patched)


def test_what_was_made_anew_has_no_way_back_to_what_was_before(kubectl: Programs) -> None:
    cluster(kubectl, deployments(a="7"))
    run("note", kubectl)
    cluster(kubectl, deployments(a="8", made="anew"))

    done = run("return", kubectl)

    assert done.returncode == 2
    assert "made anew" in done.stderr
    assert asked(kubectl, "undo") == []


def test_what_was_made_anew_is_noted_anew(kubectl: Programs) -> None:
    cluster(kubectl, deployments(a="7"))
    run("note", kubectl)
    cluster(kubectl, deployments(a="4", unhealthy="a", made="anew"))
    run("note", kubectl)

    noted = note(kubectl)
    assert noted is not None
    assert noted["deployments"]["a"]["revision"] == "4"


@pytest.mark.parametrize(("phase", "status"), [("Healthy", 0), ("Degraded", 1)])
def test_a_rollout_is_waited_for_where_the_deployment_is_its_template(
    phase: str, status: int, kubectl: Programs
) -> None:
    before, after = (deployments(template="a", a=revision) for revision in ("7", "8"))
    cluster(kubectl, before)
    run("note", kubectl)
    rollout = {
        "metadata": {"generation": 2},
        "status": {"observedGeneration": "2", "workloadObservedGeneration": "9", "phase": phase},
    }
    both = {"items": [rollout, {"metadata": {"generation": 9}}]}
    cluster(kubectl, after, **{"get rollout/a deployment/a": (0, json.dumps(both))})

    done = run("return", kubectl)

    assert done.returncode == status
    assert asked(kubectl, "undo") == [["deployment/a", "--to-revision=7"]]
    assert asked(kubectl, "status") == []


@pytest.mark.parametrize("cloud", ["gke", "eks"])
def test_make_does_what_the_workflow_does(cloud: str) -> None:
    old = ("--old-file", f"render-{cloud}")

    def recipe(target: str) -> list[str]:
        told = subprocess.run(
            ["make", "--no-print-directory", "--dry-run", *old, target, "CONTEXT=there"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return told.stdout.splitlines()

    [noted], [back] = recipe("note-revisions"), recipe("return-to-noted")
    assert recipe(f"roll-back-{cloud}") == [back]
    first, deployed = recipe(f"deploy-{cloud}")[-2:]
    assert first == noted
    assert " deploy reports/kubernetes/" in deployed


def test_a_cluster_that_cannot_be_asked_ends_the_deployment_before_it_begins(
    kubectl: Programs,
) -> None:
    kubectl.answer({"get deployments": (1, "Unauthorized")})

    done = run("note", kubectl)

    assert done.returncode == 1
    assert "Unauthorized" in done.stderr
    assert note(kubectl) is None
