"""Apply rendered manifests, and wait until what they describe is healthy."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from manifests import rollouts
from manifests.errors import RenderError
from manifests.objects import Manifests, Node
from manifests.render import NAMESPACE

__all__ = ["deploy"]

_MANAGER = "ml-services-deploy"
_PIPELINE = "chicagotaxi-pipeline"
_PIPELINE_S = 7200
"""What the pipeline's job may take, as its activeDeadlineSeconds says."""
_LOOK_S = 5
"""Between two looks at it."""
_FIRST: Final = "ml-services/first-batch-of"
"""The label of a model's first run."""


def deploy(manifests: Manifests, file: Path, context: str | None, timeout_s: int) -> int:
    """Apply a file and wait for its workloads.

    Server-side: a dashboard is larger than the annotation that client-side apply would keep, and
    the fields that a roll-back or an autoscaler has written since are told apart.

    Returns:
        0 if every workload is healthy, 1 otherwise.
    """
    kubectl = _kubectl(context)
    _say(f"Applying {file} to {context or 'the current context of kubectl'}")
    apply = ["apply", "--server-side", "--force-conflicts", f"--field-manager={_MANAGER}"]
    if subprocess.run([*kubectl, *apply, "-f", str(file)], check=False).returncode != 0:  # noqa: S603
        _say("Not everything was applied.")
        return 1
    if _first_batch(kubectl, manifests) != 0:
        return 1
    return _wait(kubectl, manifests, timeout_s)


def _first_batch(kubectl: Sequence[str], manifests: Manifests) -> int:
    """Let the pipeline run once with a model that is new.

    ChicagoTaxi's pods serve predictions of their own model only, and are not ready before there are
    any. A job with the model's label says that it has run, or that it runs. It is nobody's: the
    CronJob's would go with its history, and the next deployment would run it again.
    """
    sha256 = next(
        one["data"]["MODEL_SHA256"]
        for _, one in manifests.of("ConfigMap")
        if one["metadata"]["name"].startswith("chicagotaxi-model")
    )
    model = sha256[:10]
    ours = [*kubectl, "-n", NAMESPACE]
    known = [*ours, "get", "jobs", "-l", f"{_FIRST}={model}", "-o", "json"]
    listed = subprocess.run(known, capture_output=True, text=True, check=False)  # noqa: S603
    if listed.returncode != 0:
        _say(f"Jobs cannot be listed: {listed.stderr.strip()}")
        return 1
    ended = {one["metadata"]["name"]: _ended(one) for one in json.loads(listed.stdout)["items"]}
    if "Complete" in ended.values():
        return 0
    running = sorted(name for name, how in ended.items() if how is None)
    # One that failed stays as it is, to be looked at: this may delete nothing.
    job = f"job/{running[0]}" if running else _start_first(ours, manifests, model)
    if not job:
        return 1
    _say(f"Waiting for {job}: the first predictions of this model")
    # `wait` knows one condition only: a job that fails would be waited for to the end.
    deadline = time.monotonic() + _PIPELINE_S
    while time.monotonic() < deadline:
        asked = subprocess.run(  # noqa: S603
            [*ours, "get", job, "-o", "json"], capture_output=True, text=True, check=False
        )
        how = _ended(json.loads(asked.stdout)) if asked.returncode == 0 else None
        if how == "Complete":
            return 0
        if how == "Failed":
            break
        time.sleep(_LOOK_S)
    _say(f"{job} has not succeeded: kubectl -n {NAMESPACE} logs {job} --all-containers")
    return 1


def _start_first(ours: Sequence[str], manifests: Manifests, model: str) -> str:
    """Start the pipeline; the job's name as kubectl has it, or nothing if it cannot be started."""
    template = manifests.find("CronJob", _PIPELINE)
    assert template is not None  # noqa: S101 - every overlay has it
    spec = dict(template["spec"]["jobTemplate"]["spec"])
    spec.pop("ttlSecondsAfterFinished", None)
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": f"{_PIPELINE}-{model}-", "labels": {_FIRST: model}},
        "spec": spec,
    }
    create = [*ours, "create", "-f", "-", "-o", "name"]
    done = subprocess.run(  # noqa: S603
        create, input=json.dumps(job), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        _say(f"The pipeline cannot be started: {done.stderr.strip()}")
    return done.stdout.strip().replace("job.batch/", "job/")


def _ended(job: Node) -> str | None:
    """How a job ended: Complete or Failed, or None where it runs."""
    conditions = job.get("status", {}).get("conditions", [])
    met = {one["type"] for one in conditions if one["status"] == "True"}
    return next((how for how in ("Complete", "Failed") if how in met), None)


def _wait(kubectl: Sequence[str], manifests: Manifests, timeout_s: int) -> int:
    ours, healthy = [*kubectl, "-n", NAMESPACE], True
    for kind, name in _workloads(manifests):
        limit_s = timeout_s
        if kind == "rollout":
            limit_s = max(timeout_s, rollouts.CANARY_S)
            well = rollouts.healthy(ours, name, limit_s)
        else:
            waiting = [*ours, "rollout", "status", f"{kind}/{name}", f"--timeout={timeout_s}s"]
            well = subprocess.run(waiting, check=False).returncode == 0  # noqa: S603
        if not well:
            healthy = False
            _say(f"{kind}/{name} is not healthy after {limit_s} s, or never will be:")
            pods = [*ours, "get", "pods", "-l", f"app.kubernetes.io/name={name}"]
            subprocess.run(pods, check=False)  # noqa: S603
    return 0 if healthy else 1


def _workloads(manifests: Manifests) -> Iterator[tuple[str, str]]:
    """The workloads to wait for: a Deployment that is a Rollout's template has no pods."""
    rollouts = {one["metadata"]["name"] for _, one in manifests.of("Rollout")}
    for name in sorted(rollouts):
        yield "rollout", name
    for _, one in manifests.of("Deployment"):
        if one["metadata"]["name"] not in rollouts:
            yield "deployment", one["metadata"]["name"]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _kubectl(context: str | None) -> list[str]:
    kubectl = shutil.which(os.environ.get("KUBECTL", "kubectl"))
    if kubectl is None:
        raise RenderError("There is no kubectl, which deploys: install it, or set KUBECTL to it")
    return [kubectl, f"--context={context}"] if context else [kubectl]
