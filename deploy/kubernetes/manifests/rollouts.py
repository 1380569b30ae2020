"""Rollouts, which kubectl cannot wait for. Needs nothing but Python, as deploy/release does."""

import json
import subprocess
import time
from collections.abc import Sequence

__all__ = ["CANARY_S", "healthy"]

CANARY_S = 1800
"""What a roll-out by canary may take: its pauses and analyses alone take most of ten minutes."""
_LOOK_S = 5


def healthy(kubectl: Sequence[str], name: str, limit_s: float) -> bool:
    """Wait until a Rollout is healthy with what its template says, and not with what was before.

    Args:
        kubectl: The command, with context and namespace.
        name: Of the Rollout, and of the Deployment that is its template.
        limit_s: How long to wait.
    """
    both = [*kubectl, "get", f"rollout/{name}", f"deployment/{name}", "-o", "json"]
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        asked = subprocess.run(both, capture_output=True, text=True, check=False)  # noqa: S603
        if asked.returncode == 0:
            rollout, template = json.loads(asked.stdout)["items"]
            status = rollout.get("status", {})
            seen = (status.get("observedGeneration"), status.get("workloadObservedGeneration"))
            applied = tuple(str(one["metadata"]["generation"]) for one in (rollout, template))
            if seen == applied and status.get("phase") in {"Healthy", "Degraded"}:
                return bool(status["phase"] == "Healthy")
        time.sleep(_LOOK_S)
    return False
