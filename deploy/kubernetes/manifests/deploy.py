"""Apply manifests, wait until their workloads are healthy, and roll back.

Manifests are applied server-side: a dashboard is larger than the annotation of client-side apply,
and the fields that an autoscaler writes stay its own. Rollouts and rollbacks use the same field
manager, so that fields which the applied version does not have are removed from the cluster.
"""

from dataclasses import replace
from typing import Final

from manifests.first_batch import first_batches, run_first_batches
from manifests.kubectl import Kubectl, say
from manifests.objects import Manifests, read_manifests
from manifests.replicas import raise_to_minimum
from manifests.rollouts import wait_until_healthy
from manifests.snapshot import NAME, Snapshot, read_snapshot, take_snapshot, write_snapshot
from manifests.unused_config import remove_unused_config

__all__ = ["deploy", "rollback"]

_APPLY: Final = (
    *("apply", "--server-side", "--force-conflicts", "--field-manager=ml-services-deploy"),
)


def deploy(kubectl: Kubectl, text: str, timeout_s: int) -> int:
    """Apply manifests and wait for their workloads.

    Args:
        kubectl: The cluster.
        text: The manifests.
        timeout_s: Seconds to wait for each workload.

    Returns:
        0 if every workload is healthy, 1 otherwise.

    Raises:
        ManifestsError: The snapshot cannot be written, or the manifests lack something; then
            nothing was applied.
    """
    return _roll_out(kubectl, take_snapshot(kubectl), text, timeout_s)


def rollback(kubectl: Kubectl, timeout_s: int) -> int:
    """Apply the manifests that were healthy when the last rollout began.

    Args:
        kubectl: The cluster.
        timeout_s: Seconds to wait for each workload.

    Returns:
        0 if every workload is healthy, or there is nothing to do; 1 if one is not; 2 if the
        snapshot has no manifests to return to.

    Raises:
        ManifestsError: The snapshot cannot be read or written.
    """
    snapshot = read_snapshot(kubectl)
    if snapshot.rollback_to is None:
        say(
            f"ConfigMap {NAME} has no version to return to: none was healthy before the last"
            " rollout. Nothing was changed. Deploy a release that is known to be healthy: make"
            " deploy-NAME"
        )
        return 2
    if snapshot.healthy and snapshot.applied == snapshot.rollback_to:
        say("Nothing to do: the version that a rollback returns to is running and healthy.")
        return 0
    return _roll_out(kubectl, snapshot, snapshot.rollback_to, timeout_s)


def _roll_out(kubectl: Kubectl, snapshot: Snapshot, text: str, timeout_s: int) -> int:
    manifests = read_manifests(text)
    batches = first_batches(manifests)
    if not _accepted(kubectl, text):
        return 1
    before, snapshot = snapshot, replace(snapshot, applied=text, healthy=False)
    write_snapshot(kubectl, snapshot)
    if not kubectl.show(*_APPLY, "-f", "-", text=text):
        say("Not everything was applied.")
        return 1
    well = (
        raise_to_minimum(kubectl, manifests)
        and run_first_batches(kubectl, batches)
        and wait_until_healthy(kubectl, manifests, timeout_s)
    )
    if not well:
        return 1
    snapshot = replace(snapshot, healthy=True)
    write_snapshot(kubectl, snapshot)
    versions = [read_manifests(one) for one in (before.applied, snapshot.rollback_to) if one]
    _report_left_over(manifests, versions)
    remove_unused_config(kubectl, manifests, *versions)
    return 0


def _accepted(kubectl: Kubectl, text: str) -> bool:
    """Whether the cluster accepts all manifests in a dry run."""
    tried = kubectl.ask(*_APPLY, "--dry-run=server", "-f", "-", text=text)
    if tried.returncode == 0:
        return True
    say(f"{tried.stderr.strip()}\nNothing was applied: the cluster refuses a part of it.")
    if "StorageClass" in tried.stderr and "updates to parameters are forbidden" in tried.stderr:
        say(
            "The parameters of a StorageClass cannot be changed. Existing volumes do not need it:"
            " as an administrator, run kubectl delete storageclass NAME, then deploy again"
        )
    return False


def _report_left_over(manifests: Manifests, versions: list[Manifests]) -> None:
    """Name the objects that only earlier versions had, except ConfigMaps, which are deleted."""
    now = {(one["kind"], one["metadata"]["name"]) for one in manifests.objects}
    left = {
        f"{one['kind']}/{one['metadata']['name']}"
        for each in versions
        for one in each.objects
        if one["kind"] != "ConfigMap" and (one["kind"], one["metadata"]["name"]) not in now
    }
    if left:
        say(
            "These objects of earlier versions are still in the cluster; delete them if they are"
            f" not needed: {', '.join(sorted(left))}"
        )
