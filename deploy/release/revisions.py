"""Note which version of every Deployment runs, and return to what was noted.

``kubectl rollout undo`` returns a Deployment to the version before its last one, whether or not
this roll-out changed it: one that was left alone would lose a version that is well. So the
revisions are noted before anything is applied, and only what has another one since is returned.
A CronJob has no revisions: that of ChicagoTaxi's pipeline is noted whole. Pods of the model before
take no batch of another, so that it runs once where it was returned, before they are waited for.
Needs nothing but Python and kubectl.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMESPACE = "ml-services"
REVISION = "deployment.kubernetes.io/revision"
PIPELINE = "chicagotaxi-pipeline"
PIPELINE_S = 7200


def main() -> int:
    """Run a command; 0 done, 1 a roll-back that did not become healthy, 2 unusable input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("note", "return"))
    parser.add_argument("noted", type=Path)
    parser.add_argument("--context", help="of kubectl; the current one if not given")
    parser.add_argument("--timeout", default="600s", help="for each Deployment")
    options = parser.parse_args()
    kubectl = ["kubectl", *(["--context", options.context] if options.context else [])]
    kubectl += ["--namespace", NAMESPACE]
    if options.command == "note":
        options.noted.parent.mkdir(parents=True, exist_ok=True)
        options.noted.write_text(json.dumps(note(kubectl), indent=2) + "\n", encoding="utf-8")
        return 0
    try:
        noted = json.loads(options.noted.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{options.noted} cannot be read, nothing was returned: {error}")
    return take_back(kubectl, noted, options.timeout)


def note(kubectl: list[str]) -> dict[str, Any]:
    """What runs: the revision of each Deployment, and the pipeline, where there is one."""
    return {"deployments": revisions(kubectl), "pipeline": pipeline(kubectl)}


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


def revisions(kubectl: list[str]) -> dict[str, str]:
    """The revision of each Deployment."""
    command = [*kubectl, "get", "deployments", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        sys.exit(f"The Deployments cannot be listed: {done.stderr.strip()}")
    return {
        one["metadata"]["name"]: one["metadata"]["annotations"][REVISION]
        for one in json.loads(done.stdout)["items"]
        if REVISION in one["metadata"].get("annotations", {})
    }


def take_back(kubectl: list[str], everything: dict[str, Any], timeout: str) -> int:
    """Return every Deployment that changed, all before any is waited for."""
    noted, template = everything["deployments"], everything["pipeline"]
    changed = {
        name: noted[name]
        for name, revision in revisions(kubectl).items()
        if name in noted and revision != noted[name]
    }
    failed = []
    for name, revision in changed.items():
        undo = [*kubectl, "rollout", "undo", f"deployment/{name}", f"--to-revision={revision}"]
        if subprocess.run(undo, check=False).returncode != 0:  # noqa: S603
            failed.append(name)
    if template and pipeline(kubectl) != template and not return_pipeline(kubectl, template):
        failed.append(PIPELINE)
    for name in changed:
        status = [*kubectl, "rollout", "status", f"deployment/{name}", f"--timeout={timeout}"]
        if subprocess.run(status, check=False).returncode != 0:  # noqa: S603
            failed.append(name)
    told = ", ".join(sorted(changed)) or "nothing, no Deployment has changed"
    print(f"Returned: {told}")  # noqa: T201 - the log of the job
    if failed:
        print(f"Not healthy: {', '.join(sorted(set(failed)))}", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


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
