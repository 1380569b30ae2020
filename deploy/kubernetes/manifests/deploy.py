"""Apply rendered manifests, and wait until what they describe is healthy."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from manifests.errors import RenderError
from manifests.objects import Manifests
from manifests.render import NAMESPACE

__all__ = ["deploy", "roll_back"]

_MANAGER = "ml-services-deploy"
_PIPELINE = "chicagotaxi-pipeline"
_PIPELINE_S = 7200
"""What the pipeline's job may take, as its activeDeadlineSeconds says."""


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


def roll_back(manifests: Manifests, context: str | None, timeout_s: int) -> int:
    """Return every workload to its version before, and wait.

    The ConfigMap that a version was given is still there: its name has a hash of its contents.

    Returns:
        0 if every workload is healthy, 1 otherwise.
    """
    kubectl = _kubectl(context)
    for kind, name in _workloads(manifests):
        if kind == "rollout":
            _say(f"rollout/{name}: undo it with the plugin: kubectl argo rollouts undo {name}")
            return 1
        undo = [*kubectl, "-n", NAMESPACE, "rollout", "undo", f"{kind}/{name}"]
        if subprocess.run(undo, check=False).returncode != 0:  # noqa: S603
            return 1
    return _wait(kubectl, manifests, timeout_s)


def _first_batch(kubectl: Sequence[str], manifests: Manifests) -> int:
    """Let the pipeline run once with a model that is new.

    ChicagoTaxi's pods serve predictions of their own model only, and are not ready before there are
    any. A job that is named after the model says that it has run.
    """
    sha256 = next(
        one["data"]["MODEL_SHA256"]
        for _, one in manifests.of("ConfigMap")
        if one["metadata"]["name"].startswith("chicagotaxi-model")
    )
    job = f"{_PIPELINE}-{sha256[:10]}"
    ours = [*kubectl, "-n", NAMESPACE]
    known = subprocess.run([*ours, "get", f"job/{job}"], capture_output=True, check=False)  # noqa: S603
    if known.returncode == 0:
        return 0
    _say(f"Starting {job}: the first predictions of this model")
    create = [*ours, "create", "job", job, f"--from=cronjob/{_PIPELINE}"]
    if subprocess.run(create, check=False).returncode != 0:  # noqa: S603
        return 1
    waiting = [*ours, "wait", f"job/{job}", "--for=condition=complete", f"--timeout={_PIPELINE_S}s"]
    if subprocess.run(waiting, check=False).returncode != 0:  # noqa: S603
        _say(f"{job} has not succeeded: kubectl -n {NAMESPACE} logs job/{job}")
        return 1
    return 0


def _wait(kubectl: Sequence[str], manifests: Manifests, timeout_s: int) -> int:
    healthy = True
    for kind, name in _workloads(manifests):
        waiting = [*kubectl, "-n", NAMESPACE]
        if kind == "rollout":
            waiting += ["wait", f"rollout/{name}", "--for=jsonpath={.status.phase}=Healthy"]
        else:
            waiting += ["rollout", "status", f"{kind}/{name}"]
        done = subprocess.run([*waiting, f"--timeout={timeout_s}s"], check=False)  # noqa: S603
        if done.returncode != 0:
            healthy = False
            _say(f"{kind}/{name} is not healthy after {timeout_s} s:")
            pods = [
                *kubectl,
                "-n",
                NAMESPACE,
                "get",
                "pods",
                "-l",
                f"app.kubernetes.io/name={name}",
            ]
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
