"""The snapshot in the cluster: the applied manifests, and those that a rollback applies.

One ConfigMap contains both as a whole, so that a rollback works from any machine and uses the same
server-side apply as a rollout, which removes fields that the older version does not have.
``kubectl rollout undo`` does not, renumbers the revisions, and does not cover CronJobs.
"""

import base64
import gzip
import json
from dataclasses import dataclass, replace
from typing import Final

from manifests.errors import ManifestsError
from manifests.kubectl import Kubectl

__all__ = ["Snapshot", "read_snapshot", "take_snapshot", "write_snapshot"]

NAME: Final = "rollback-snapshot"
_MANAGER: Final = "ml-services-snapshot"


@dataclass(frozen=True)
class Snapshot:
    """The state of the rollouts.

    Attributes:
        applied: The manifests that were applied last; None before the first rollout.
        healthy: Whether all of their workloads became healthy.
        rollback_to: The manifests that a rollback applies: the last ones that were healthy when
            the last rollout began.
    """

    applied: str | None = None
    healthy: bool = False
    rollback_to: str | None = None


def take_snapshot(kubectl: Kubectl) -> Snapshot:
    """Record the running version as the rollback target, if it is healthy.

    An unhealthy version does not replace the target: a retry must not overwrite it.

    Raises:
        ManifestsError: The snapshot cannot be read or written.
    """
    snapshot = read_snapshot(kubectl)
    if snapshot.healthy:
        snapshot = replace(snapshot, rollback_to=snapshot.applied)
    write_snapshot(kubectl, snapshot)
    return snapshot


def read_snapshot(kubectl: Kubectl) -> Snapshot:
    """The snapshot of the cluster; an empty one before the first rollout.

    Raises:
        ManifestsError: The cluster does not answer, or the ConfigMap is invalid.
    """
    done = kubectl.ask("get", f"configmap/{NAME}", "--ignore-not-found", "-o", "json")
    if done.returncode != 0:
        raise ManifestsError(f"The snapshot of rollouts cannot be read: {done.stderr.strip()}")
    if not done.stdout.strip():
        return Snapshot()
    data = json.loads(done.stdout).get("data", {})
    try:
        return Snapshot(
            applied=_unpacked(data.get("applied")),
            healthy=data["healthy"] == "true",
            rollback_to=_unpacked(data.get("rollback-to")),
        )
    except (KeyError, ValueError, OSError, EOFError) as error:
        raise ManifestsError(
            f"ConfigMap {NAME} is invalid ({error!r}): somebody has changed it. Delete it, and"
            " deploy a release that is known to be healthy"
        ) from error


def write_snapshot(kubectl: Kubectl, snapshot: Snapshot) -> None:
    """Write a snapshot to the cluster.

    Raises:
        ManifestsError: It cannot be written.
    """
    data = {"healthy": str(snapshot.healthy).lower()}
    if snapshot.applied is not None:
        data["applied"] = _packed(snapshot.applied)
    if snapshot.rollback_to is not None:
        data["rollback-to"] = _packed(snapshot.rollback_to)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}
    apply = ("apply", "--server-side", "--force-conflicts", f"--field-manager={_MANAGER}")
    done = kubectl.ask(*apply, "-f", "-", text=json.dumps(config))
    if done.returncode != 0:
        raise ManifestsError(
            f"The snapshot cannot be written: {done.stderr.strip()}\n"
            "In a new cluster, run make allow-deployer first"
        )


def _packed(text: str) -> str:
    # Without a time, the same text gives the same bytes.
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode("ascii")


def _unpacked(data: str | None) -> str | None:
    return None if data is None else gzip.decompress(base64.b64decode(data, validate=True)).decode()
