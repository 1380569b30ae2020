"""Selectors and ports: a workload selects its own pods, a Service those of one workload."""

from collections.abc import Iterator

from manifests.objects import Manifests, Pod, Violation, dig, selects

__all__ = ["check"]


def check(manifests: Manifests) -> Iterator[Violation]:
    """Compare selectors with labels, and port names with ports."""
    for pod in manifests.pods:
        if pod.kind == "Deployment":
            yield from _workload(manifests, pod)
    for where, service in manifests.of("Service"):
        selector = {"matchLabels": service["spec"].get("selector", {})}
        chosen = [pod for pod in manifests.pods if selects(selector, pod.labels)]
        if len(chosen) != 1:
            owners = ", ".join(pod.owner for pod in chosen) or "none"
            yield where, f"selects the pods of {owners}, not of one workload"
        for port in service["spec"].get("ports", []):
            yield from _port(where, port.get("targetPort"), chosen)
    for where, policy in manifests.of("NetworkPolicy"):
        chosen = [
            pod for pod in manifests.pods if selects(dig(policy, "spec", "podSelector"), pod.labels)
        ]
        for rule in policy["spec"].get("ingress", []):
            for port in rule.get("ports", []):
                yield from _port(where, port["port"], chosen)
    for where, monitor in manifests.of("PodMonitor"):
        chosen = [pod for pod in manifests.pods if selects(monitor["spec"]["selector"], pod.labels)]
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            yield from _port(where, endpoint["port"], chosen)
        label = monitor["spec"].get("jobLabel")
        for pod in chosen:
            if label not in pod.labels:
                yield where, f"{pod.owner} does not have the label {label} of jobLabel"


def _workload(manifests: Manifests, pod: Pod) -> Iterator[Violation]:
    owner = manifests.find(pod.kind, pod.name)
    selector = dig(owner or {}, "spec", "selector")
    if not selector or not selects(selector, pod.labels):
        yield pod.owner, "does not select its own pods"
    for other in manifests.pods:
        if other is not pod and selects(selector, other.labels):
            yield pod.owner, f"selects the pods of {other.owner} too"
    for constraint in pod.spec.get("topologySpreadConstraints", []):
        if not selects(constraint.get("labelSelector") or {}, pod.labels):
            yield pod.owner, "is not spread: its constraint selects other pods"


def _port(where: str, port: object, pods: list[Pod]) -> Iterator[Violation]:
    for pod in pods:
        if port not in pod.ports and port not in pod.ports.values():
            yield where, f"uses the port {port}, which {pod.owner} does not have"
