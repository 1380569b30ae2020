"""Where there are network policies, everything is denied first, and no pod is left without DNS."""

from collections.abc import Iterator

from manifests.objects import Finding, Manifests, Node, Pod, dig, selects

__all__ = ["check"]

_DNS = 53
_TLS = 443


def check(manifests: Manifests) -> Iterator[Finding]:
    """Check what each pod may still do."""
    policies = [one for _, one in manifests.of("NetworkPolicy")]
    if not policies:
        return
    if not any(_denies_all(policy) for policy in policies):
        yield Finding("NetworkPolicy", "network", "nothing denies by default: add default-deny")
    for pod in manifests.pods:
        egress = {port for policy in policies for port in _open(policy, pod, "egress")}
        for port, why in ((_DNS, "names"), (_TLS, "its model")):
            if port not in egress:
                message = f"cannot get at {why}: no policy opens port {port}"
                yield Finding(pod.owner, "network", message)
        ingress = {port for policy in policies for port in _open(policy, pod, "ingress")}
        if pod.kind == "Deployment" and not ingress & {*pod.ports, *pod.ports.values()}:
            yield Finding(
                pod.owner, "network", "can be reached by nobody: no policy opens its port"
            )
        if pod.kind != "Deployment" and ingress:
            yield Finding(
                pod.owner, "network", f"listens nowhere, and {sorted(map(str, ingress))} is open"
            )
    for policy in policies:
        for rule in policy["spec"].get("ingress", []):
            where = f"NetworkPolicy/{policy['metadata']['name']}"
            if not rule.get("from") or not rule.get("ports"):
                yield Finding(where, "network", "lets everybody in, or into every port")
            for peer in rule.get("from", []):
                if dig(peer, "ipBlock").get("cidr") == "0.0.0.0/0":
                    yield Finding(where, "network", "lets in whoever can reach the pod")


def _denies_all(policy: Node) -> bool:
    spec = policy["spec"]
    return (
        spec.get("podSelector") == {}
        and set(spec.get("policyTypes", [])) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
    )


def _open(policy: Node, pod: Pod, direction: str) -> Iterator[object]:
    if selects(policy["spec"]["podSelector"], pod.labels):
        for rule in policy["spec"].get(direction, []):
            for port in rule.get("ports", []):
                yield port["port"]
