"""What a cluster remembers of its roll-outs: the manifests that were applied, and the way back.

They are kept whole in one ConfigMap, so that a version can be returned to from any machine, with
everything that it had, and by the same server-side apply that made it: whatever the version after
it had and it has not leaves the cluster again. Revisions of Deployments, which ``kubectl rollout
undo`` counts, are renumbered by each return, and know nothing of a CronJob.
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
    """What was rolled out.

    Attributes:
        applied: The manifests that were applied last, as text; None where none were.
        healthy: Whether all of their workloads became healthy.
        rollback_to: The manifests that a rollback applies: the last ones that were healthy when
            the last rollout began.
    """

    applied: str | None = None
    healthy: bool = False
    rollback_to: str | None = None


def take_snapshot(kubectl: Kubectl) -> Snapshot:
    """Before a roll-out: what runs is the way back from it, if it is healthy.

    What is not healthy keeps the way back that there was: a second try is no way back to the first.

    Raises:
        ManifestsError: The record cannot be read or written.
    """
    record = read_snapshot(kubectl)
    if record.healthy:
        record = replace(record, rollback_to=record.applied)
    write_snapshot(kubectl, record)
    return record


def read_snapshot(kubectl: Kubectl) -> Snapshot:
    """The cluster's record; an empty one where nothing was rolled out.

    Raises:
        ManifestsError: The cluster does not answer, or what it has is no record.
    """
    done = kubectl.ask("get", f"configmap/{NAME}", "--ignore-not-found", "-o", "json")
    if done.returncode != 0:
        raise ManifestsError(f"The record of roll-outs cannot be read: {done.stderr.strip()}")
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
            f"ConfigMap {NAME} is no record of roll-outs ({error!r}): somebody has changed it."
            " Delete it, and deploy a release that is known to be well"
        ) from error


def write_snapshot(kubectl: Kubectl, record: Snapshot) -> None:
    """Keep a record in the cluster.

    Raises:
        ManifestsError: It cannot be written; then nothing is rolled out.
    """
    data = {"healthy": str(record.healthy).lower()}
    if record.applied is not None:
        data["applied"] = _packed(record.applied)
    if record.rollback_to is not None:
        data["rollback-to"] = _packed(record.rollback_to)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}
    apply = ("apply", "--server-side", "--force-conflicts", f"--field-manager={_MANAGER}")
    done = kubectl.ask(*apply, "-f", "-", text=json.dumps(config))
    if done.returncode != 0:
        raise ManifestsError(
            f"The roll-out cannot be recorded: {done.stderr.strip()}\n"
            "In a new cluster, make allow-deployer comes first"
        )


def _packed(text: str) -> str:
    # The same text gives the same bytes, at whatever time.
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode("ascii")


def _unpacked(data: str | None) -> str | None:
    return None if data is None else gzip.decompress(base64.b64decode(data, validate=True)).decode()
