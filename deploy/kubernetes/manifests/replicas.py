"""The least number of pods, where an autoscaler owns the number.

A Deployment under an autoscaler states no replicas, and Kubernetes makes one pod of it. The
autoscaler raises that in its own time; a roll-out that waits for one pod would be healthy before.
"""

import json
from typing import Final

from manifests.kubectl import Kubectl, say
from manifests.objects import Manifests

__all__ = ["raise_to_minimum"]

# Not the manager of the manifests: what that one does not state again, the next apply removes.
_MANAGER: Final = "ml-services-minimum-replicas"


def raise_to_minimum(kubectl: Kubectl, manifests: Manifests) -> bool:
    """Give each workload of an autoscaler its least number of pods, if it has fewer.

    More than that is the autoscaler's decision, and none at all is somebody's.

    Returns:
        Whether none is left with fewer.
    """
    raised = [
        _raise(kubectl, target["kind"].lower(), target["name"], scaler["spec"]["minReplicas"])
        for _, scaler in manifests.of("HorizontalPodAutoscaler")
        for target in (scaler["spec"]["scaleTargetRef"],)
    ]
    return all(raised)


def _raise(kubectl: Kubectl, kind: str, name: str, least: int) -> bool:
    replicas = _replicas(kubectl, kind, name)
    if replicas == 0 or (replicas or 1) >= least:
        return True
    # Only if it is unchanged: the autoscaler may have set it since.
    unchanged = {"op": "test", "path": "/spec/replicas", "value": replicas}
    raised = {"op": "add", "path": "/spec/replicas", "value": least}
    patch = json.dumps([raised] if replicas is None else [unchanged, raised])
    done = kubectl.ask(
        "patch", f"{kind}/{name}", "--type=json", f"--patch={patch}", f"--field-manager={_MANAGER}"
    )
    if done.returncode == 0 or (_replicas(kubectl, kind, name) or 1) >= least:
        return True
    say(f"{kind}/{name} cannot be given its {least} pods: {done.stderr.strip()}")
    return False


def _replicas(kubectl: Kubectl, kind: str, name: str) -> int | None:
    done = kubectl.ask("get", f"{kind}/{name}", "-o", "json")
    if done.returncode != 0:
        return None
    replicas: int | None = json.loads(done.stdout)["spec"].get("replicas")
    return replicas
