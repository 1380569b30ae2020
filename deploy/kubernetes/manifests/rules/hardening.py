"""Users, tokens, volumes and memory: what the policy scanner (make scan) does not check."""

from collections.abc import Iterator
from typing import Final

from manifests.objects import Manifests, Pod, Violation, dig

__all__ = ["USER", "check"]

USER: Final = 10001
_EPHEMERAL: Final = "ephemeral-storage"
_LOGS_MIB: Final = 256
_NAMESPACE_LABELS: Final = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
}


def check(manifests: Manifests) -> Iterator[Violation]:
    """Check namespaces, service accounts, pods and containers."""
    for where, one in manifests.of("Namespace"):
        labels = dig(one, "metadata", "labels")
        for name, value in _NAMESPACE_LABELS.items():
            if labels.get(name) != value:
                yield where, f"wants the label {name}: {value}"
    for where, one in manifests.of("ServiceAccount"):
        if one.get("automountServiceAccountToken") is not False:
            yield where, "mounts a token; set automountServiceAccountToken: false"
    for pod in manifests.pods:
        yield from _pod(pod)
        yield from _room(pod)
        yield from _memory(pod)


def _pod(pod: Pod) -> Iterator[Violation]:
    context = dig(pod.spec, "securityContext")
    wanted = {"runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER}
    for name, value in wanted.items():
        if context.get(name) != value:
            yield pod.owner, f"wants securityContext.{name}: {value}"
    if pod.spec.get("shareProcessNamespace"):
        yield pod.owner, "has shareProcessNamespace"
    for volume in pod.spec.get("volumes", []):
        if "hostPath" in volume:
            yield pod.owner, f"mounts a folder of its node: {volume['name']}"
        if "emptyDir" in volume and not dig(volume, "emptyDir").get("sizeLimit"):
            yield pod.owner, f"volume {volume['name']} has no sizeLimit"


def _room(pod: Pod) -> Iterator[Violation]:
    """A node must have room for what the volumes may hold, and for logs."""
    volumes = [dig(one, "emptyDir").get("sizeLimit") for one in pod.spec.get("volumes", [])]
    needed = sum(_mebibytes(one) for one in volumes if one) + _LOGS_MIB
    requested = [
        (one.init, _mebibytes(dig(one.node, "resources", "requests").get(_EPHEMERAL, "0Mi")))
        for one in pod.containers
    ]
    # As the scheduler counts: what runs side by side together, what runs before that alone.
    together = sum(size for first, size in requested if not first)
    if (found := max([together, *(size for first, size in requested if first)])) < needed:
        message = f"requests {found}Mi of {_EPHEMERAL} where its volumes and logs take {needed}Mi"
        yield pod.owner, message


def _mebibytes(quantity: str) -> int:
    number, unit = quantity[:-2], quantity[-2:]
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def _memory(pod: Pod) -> Iterator[Violation]:
    for container in pod.containers:
        requests, limits = (dig(container.node, "resources", key) for key in ("requests", "limits"))
        if not container.init and limits.get("memory") != requests.get("memory"):
            problem = f"{container.name} may use more memory than it requests"
            yield pod.owner, f"{problem}: the node may not have it"
