"""Note which version of every Deployment runs, and return to what was noted.

``kubectl rollout undo`` returns a Deployment to the version before its last one, whether or not
this roll-out changed it: one that was left alone would lose a version that is well. So the
revisions are noted before anything is applied, and only what has another one since is returned.
What is not healthy when it is noted again keeps its note: a second try is no way back to the first.
A CronJob has no revisions: that of ChicagoTaxi's pipeline is noted whole. Pods of the model before
take no batch of another, so that it runs once where it was returned, before they are waited for.
The note is a ConfigMap: whoever takes a roll-out back is not always who made it.
Needs nothing but Python and kubectl.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kubernetes"))

from manifests import rollouts

NAMESPACE = "ml-services"
NOTE = "before-the-last-roll-out"
REVISION = "deployment.kubernetes.io/revision"
PIPELINE = "chicagotaxi-pipeline"
SERVED_BY = "chicagotaxi"
"""The Deployment that takes the pipeline's batches."""
PIPELINE_S = 7200


def main() -> int:
    """Run a command; 0 done, 1 a roll-back that did not become healthy, 2 unusable input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("note", "return"))
    parser.add_argument("--context", help="of kubectl; the current one if not given")
    parser.add_argument("--timeout", type=int, default=600, help="seconds for each Deployment")
    options = parser.parse_args()
    kubectl = ["kubectl", *(["--context", options.context] if options.context else [])]
    kubectl += ["--namespace", NAMESPACE]
    before = noted(kubectl)
    if options.command == "return":
        return take_back(kubectl, before, options.timeout) if before else _nothing_noted()
    now = note(kubectl, before or {"deployments": {}, "pipeline": None})
    # The first time there is nothing to return to, and not even a namespace.
    return write(kubectl, now, known=before is not None) if now["deployments"] else 0


def _nothing_noted() -> int:
    print(  # noqa: T201
        f"There is no ConfigMap {NOTE}: nothing was noted, and nothing was returned. Apply the"
        " release before as a whole (make deploy-...)",
        file=sys.stderr,
    )
    return 2


def noted(kubectl: list[str]) -> dict[str, Any] | None:
    """What was noted; None where nothing was."""
    look = [*kubectl, "get", f"configmap/{NOTE}", "--ignore-not-found", "--output", "json"]
    done = subprocess.run(look, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        sys.exit(f"The note cannot be read: {done.stderr.strip()}")
    if not done.stdout.strip():
        return None
    found: dict[str, Any] = json.loads(json.loads(done.stdout)["data"]["noted"])
    return found


def write(kubectl: list[str], now: dict[str, Any], *, known: bool) -> int:
    """Keep a note in the cluster."""
    text = json.dumps(now)
    command = [*kubectl, "create", "configmap", NOTE, f"--from-literal=noted={text}"]
    if known:
        patch = json.dumps({"data": {"noted": text}})
        command = [*kubectl, "patch", f"configmap/{NOTE}", "--type=merge", f"--patch={patch}"]
    return min(1, subprocess.run(command, check=False).returncode)  # noqa: S603


def note(kubectl: list[str], before: dict[str, Any]) -> dict[str, Any]:
    """What runs: the revision of each Deployment, and the pipeline, where there is one."""
    running, known = deployments(kubectl), before["deployments"]
    kept = {
        name: known[name]
        for name, one in running.items()
        if not one["healthy"] and name in known and known[name]["uid"] == one["uid"]
    }
    for name, one in kept.items():
        print(f"{name} is not healthy: its way back stays revision {one['revision']}")  # noqa: T201
    return {
        "deployments": running | kept,
        "pipeline": before["pipeline"] if SERVED_BY in kept else pipeline(kubectl),
    }


def pipeline(kubectl: list[str]) -> dict[str, Any] | None:
    """What the CronJob of the pipeline starts."""
    command = [*kubectl, "get", "cronjobs", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        sys.exit(f"The CronJobs cannot be listed: {done.stderr.strip()}")
    items = json.loads(done.stdout)["items"]
    return next(
        (one["spec"]["jobTemplate"] for one in items if one["metadata"]["name"] == PIPELINE), None
    )


def deployments(kubectl: list[str]) -> dict[str, dict[str, Any]]:
    """The Deployments that have a revision: which, of what, and whether all of it runs."""
    command = [*kubectl, "get", "deployments", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        sys.exit(f"The Deployments cannot be listed: {done.stderr.strip()}")
    return {
        one["metadata"]["name"]: {
            "uid": one["metadata"]["uid"],
            "revision": one["metadata"]["annotations"][REVISION],
            "healthy": rolled_out(one),
            # A Rollout has the pods, and this is its template.
            "template": one["spec"].get("replicas") == 0,
        }
        for one in json.loads(done.stdout)["items"]
        if REVISION in one["metadata"].get("annotations", {})
    }


def rolled_out(deployment: dict[str, Any]) -> bool:
    """Whether a Deployment's last version has replaced the one before."""
    status = deployment.get("status", {})
    reasons = {one["type"]: one.get("reason") for one in status.get("conditions", [])}
    return (
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and reasons.get("Progressing") == "NewReplicaSetAvailable"
    )


def take_back(kubectl: list[str], everything: dict[str, Any], timeout_s: int) -> int:
    """Return every Deployment that changed, all before any is waited for."""
    noted, template = everything["deployments"], everything["pipeline"]
    running = {name: one for name, one in deployments(kubectl).items() if name in noted}
    others = [name for name, one in running.items() if one["uid"] != noted[name]["uid"]]
    if others:
        print(  # noqa: T201
            f"They were made anew since they were noted: {', '.join(sorted(others))}."
            " Nothing was returned",
            file=sys.stderr,
        )
        return 2
    changed = {
        name: one for name, one in running.items() if one["revision"] != noted[name]["revision"]
    }
    failed = []
    for name in changed:
        revision = noted[name]["revision"]
        undo = [*kubectl, "rollout", "undo", f"deployment/{name}", f"--to-revision={revision}"]
        if subprocess.run(undo, check=False).returncode != 0:  # noqa: S603
            failed.append(name)
    if template and pipeline(kubectl) != template and not return_pipeline(kubectl, template):
        failed.append(PIPELINE)
    failed += [name for name, one in changed.items() if not healthy(kubectl, name, one, timeout_s)]
    told = ", ".join(sorted(changed)) or "nothing, no Deployment has changed"
    print(f"Returned: {told}")  # noqa: T201 - the log of the job
    if failed:
        print(f"Not healthy: {', '.join(sorted(set(failed)))}", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


def healthy(kubectl: list[str], name: str, deployment: dict[str, Any], timeout_s: int) -> bool:
    """Wait until what was returned runs."""
    if deployment["template"]:
        return rollouts.healthy(kubectl, name, max(timeout_s, rollouts.CANARY_S))
    status = [*kubectl, "rollout", "status", f"deployment/{name}", f"--timeout={timeout_s}s"]
    return subprocess.run(status, check=False).returncode == 0  # noqa: S603


def return_pipeline(kubectl: list[str], template: dict[str, Any]) -> bool:
    """Give the CronJob what was noted, and run it once; whether that succeeded."""
    print(f"Returning {PIPELINE}, and running it once", flush=True)  # noqa: T201
    replaced = json.dumps([{"op": "replace", "path": "/spec/jobTemplate", "value": template}])
    job = f"{PIPELINE}-returned-{int(time.time())}"
    commands = [
        [*kubectl, "patch", f"cronjob/{PIPELINE}", "--type=json", f"--patch={replaced}"],
        [*kubectl, "create", "job", job, f"--from=cronjob/{PIPELINE}"],
    ]
    if any(subprocess.run(one, check=False).returncode != 0 for one in commands):  # noqa: S603
        return False
    deadline = time.monotonic() + PIPELINE_S
    while time.monotonic() < deadline:
        look = [*kubectl, "get", f"job/{job}", "--output", "json"]
        done = subprocess.run(look, capture_output=True, text=True, check=False)  # noqa: S603
        status = json.loads(done.stdout).get("status", {}) if done.returncode == 0 else {}
        met = {one["type"] for one in status.get("conditions", []) if one["status"] == "True"}
        if met & {"Complete", "Failed"}:
            return "Complete" in met
        time.sleep(5)
    return False


if __name__ == "__main__":
    sys.exit(main())
