"""Apply manifests, wait until what they describe is healthy, and return to those before.

Server-side: a dashboard is larger than the annotation that client-side apply would keep, and the
fields that an autoscaler has written since are told apart. Always by the same manager, also on the
way back: what the version before does not state, leaves the cluster.
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
        ManifestsError: The roll-out cannot be recorded, or the manifests lack what it needs; then
            nothing was applied.
    """
    return _roll_out(kubectl, take_snapshot(kubectl), text, timeout_s)


def rollback(kubectl: Kubectl, timeout_s: int) -> int:
    """Apply the manifests again that were healthy when the last roll-out began.

    Args:
        kubectl: The cluster.
        timeout_s: Seconds to wait for each workload.

    Returns:
        0 if every workload is healthy, or nothing is to be done; 1 if one is not; 2 if nothing is
        recorded that could be returned to.

    Raises:
        ManifestsError: The record cannot be read or written.
    """
    record = read_snapshot(kubectl)
    if record.rollback_to is None:
        say(
            f"ConfigMap {NAME} has no version to return to: none was healthy before the last"
            " roll-out. Nothing was changed. Deploy a release that is known to be well: make"
            " deploy-NAME"
        )
        return 2
    if record.healthy and record.applied == record.rollback_to:
        say("Nothing is to be done: what runs is what a roll-back returns to, and it is healthy.")
        return 0
    return _roll_out(kubectl, record, record.rollback_to, timeout_s)


def _roll_out(kubectl: Kubectl, record: Snapshot, text: str, timeout_s: int) -> int:
    manifests = read_manifests(text)
    batches = first_batches(manifests)
    if not _acceptable(kubectl, text):
        return 1
    before, record = record, replace(record, applied=text, healthy=False)
    write_snapshot(kubectl, record)
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
    record = replace(record, healthy=True)
    write_snapshot(kubectl, record)
    versions = [read_manifests(one) for one in (before.applied, record.rollback_to) if one]
    _tell_left_over(manifests, versions)
    remove_unused_config(kubectl, manifests, *versions)
    return 0


def _acceptable(kubectl: Kubectl, text: str) -> bool:
    """Whether the cluster would take all of it; asked before any of it is applied."""
    tried = kubectl.ask(*_APPLY, "--dry-run=server", "-f", "-", text=text)
    if tried.returncode == 0:
        return True
    say(f"{tried.stderr.strip()}\nNothing was applied: the cluster would not take all of it.")
    if "StorageClass" in tried.stderr and "updates to parameters are forbidden" in tried.stderr:
        say(
            "The parameters of a StorageClass cannot be changed. Volumes that exist do not need it:"
            " as an administrator, kubectl delete storageclass NAME, and deploy again as one"
        )
    return False


def _tell_left_over(manifests: Manifests, versions: list[Manifests]) -> None:
    """Name the objects that only earlier versions had; of those, only ConfigMaps are deleted."""
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
