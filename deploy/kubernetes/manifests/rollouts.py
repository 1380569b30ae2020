"""Waits for Deployments and for Argo Rollouts."""

import json
import time
from collections.abc import Iterator
from typing import Final

from manifests.kubectl import Kubectl, say
from manifests.objects import Manifests

__all__ = ["CANARY_S", "wait_until_healthy"]

CANARY_S: Final = 1800
"""Timeout of a canary; its pauses and analyses alone take nearly ten minutes."""
_POLL_S = 5


def wait_until_healthy(kubectl: Kubectl, manifests: Manifests, timeout_s: float) -> bool:
    """Wait for every workload; show the pods of unhealthy ones.

    Args:
        kubectl: The cluster.
        manifests: The applied manifests.
        timeout_s: Seconds to wait for each workload.
    """
    healthy = True
    for kind, name in _workloads(manifests):
        began = time.monotonic()
        if kind == "rollout":
            well = _rollout_healthy(kubectl, name, max(timeout_s, CANARY_S))
        else:
            well = kubectl.show(
                "rollout", "status", f"deployment/{name}", f"--timeout={timeout_s}s"
            )
        if not well:
            healthy = False
            # Kubernetes has a deadline of its own: progressDeadlineSeconds.
            say(f"{kind}/{name} is not healthy, after {time.monotonic() - began:.0f} s:")
            kubectl.show("get", "pods", "-l", f"app.kubernetes.io/name={name}")
    return healthy


def _workloads(manifests: Manifests) -> Iterator[tuple[str, str]]:
    """Kind and name of each workload; the Deployment of a Rollout is only its template."""
    rollouts = {one["metadata"]["name"] for _, one in manifests.of("Rollout")}
    for name in sorted(rollouts):
        yield "rollout", name
    for _, one in manifests.of("Deployment"):
        if one["metadata"]["name"] not in rollouts:
            yield "deployment", one["metadata"]["name"]


def _rollout_healthy(kubectl: Kubectl, name: str, limit_s: float) -> bool:
    """Wait until a Rollout is healthy in its current generation."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        asked = kubectl.ask("get", f"rollout/{name}", f"deployment/{name}", "-o", "json")
        if asked.returncode == 0:
            rollout, template = json.loads(asked.stdout)["items"]
            status = rollout.get("status", {})
            seen = (status.get("observedGeneration"), status.get("workloadObservedGeneration"))
            applied = tuple(str(one["metadata"]["generation"]) for one in (rollout, template))
            if seen == applied and status.get("phase") in {"Healthy", "Degraded"}:
                return bool(status["phase"] == "Healthy")
        time.sleep(_POLL_S)
    return False
