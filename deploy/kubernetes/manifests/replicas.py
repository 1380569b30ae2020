"""Raises new Deployments to the minimum of their autoscaler.

The manifest of an autoscaled Deployment has no replicas, so that Kubernetes starts one pod. The
autoscaler adds the others only later; until then, a rollout would count as healthy with one pod.
"""

import json
from typing import Final

from manifests.kubectl import Kubectl, say
from manifests.objects import Manifests

__all__ = ["raise_to_minimum"]

# Not the manager of the manifests: the next apply would remove the field again.
_MANAGER: Final = "ml-services-minimum-replicas"


def raise_to_minimum(kubectl: Kubectl, manifests: Manifests) -> bool:
    """Scale each workload with fewer pods than its autoscaler's minimum up to it.

    Larger numbers are set by the autoscaler, and zero by an operator; both are kept.

    Returns:
        Whether every workload has its minimum.
    """
    raised = [
        _raise(kubectl, target["kind"].lower(), target["name"], scaler["spec"]["minReplicas"])
        for _, scaler in manifests.of("HorizontalPodAutoscaler")
        for target in (scaler["spec"]["scaleTargetRef"],)
    ]
    return all(raised)


def _raise(kubectl: Kubectl, kind: str, name: str, minimum: int) -> bool:
    replicas = _replicas(kubectl, kind, name)
    if replicas == 0 or (replicas or 1) >= minimum:
        return True
    # The test fails if the autoscaler has changed the number since.
    unchanged = {"op": "test", "path": "/spec/replicas", "value": replicas}
    raised = {"op": "add", "path": "/spec/replicas", "value": minimum}
    patch = json.dumps([raised] if replicas is None else [unchanged, raised])
    done = kubectl.ask(
        "patch", f"{kind}/{name}", "--type=json", f"--patch={patch}", f"--field-manager={_MANAGER}"
    )
    if done.returncode == 0 or (_replicas(kubectl, kind, name) or 1) >= minimum:
        return True
    say(f"{kind}/{name} cannot be scaled to {minimum} pods: {done.stderr.strip()}")
    return False


def _replicas(kubectl: Kubectl, kind: str, name: str) -> int | None:
    done = kubectl.ask("get", f"{kind}/{name}", "-o", "json")
    if done.returncode != 0:
        return None
    replicas: int | None = json.loads(done.stdout)["spec"].get("replicas")
    return replicas
