"""Network policies deny everything by default and allow what pods need.

The addresses of DNS, identities and load balancers depend on the cloud, which is recognised by the
driver of the shared volumes.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, ip_network
from typing import Final

from manifests.objects import Manifests, Node, Pod, Violation, dig, selects

__all__ = ["check"]

_DNS = 53
_TLS = 443
_ANYWHERE = "203.0.113.1"
"""An address on the internet, such as that of a bucket."""

_WIDEST: Final = 16
"""Widest prefix for incoming requests, that of the load balancers with the most addresses."""

# Address, port and description of services of each cloud.
_EGRESS: Final[dict[str, tuple[tuple[str, int, str], ...]]] = {
    # begin cloud: gcp
    "filestore.csi.storage.gke.io": (
        ("169.254.169.254", _DNS, "Cloud DNS"),
        ("169.254.20.10", _DNS, "the DNS cache of the node"),
        ("169.254.169.254", 80, "the metadata server"),
        ("169.254.169.252", 988, "the metadata server"),
    ),
    # end cloud
    # begin cloud: aws
    "efs.csi.aws.com": (("169.254.170.23", 80, "the agent of Pod Identity"),),
    # end cloud
}
_BALANCERS: Final[dict[str, tuple[str, ...]]] = {
    # begin cloud: gcp
    "filestore.csi.storage.gke.io": ("35.191.0.1", "130.211.0.1"),
    # end cloud
}


def check(manifests: Manifests) -> Iterator[Violation]:
    """Check the connections of each pod."""
    policies = [one for _, one in manifests.of("NetworkPolicy")]
    if not policies:
        return
    if not any(_denies_all(policy) for policy in policies):
        yield "NetworkPolicy", "no policy denies by default: add default-deny"
    for pod in manifests.pods:
        egress = {port for policy in policies for port in _open(policy, pod, "egress")}
        if _DNS not in egress:
            message = f"cannot reach DNS: no policy opens port {_DNS}"
            yield pod.owner, message
        yield from _addresses(manifests, policies, pod)
        ingress = {port for policy in policies for port in _open(policy, pod, "ingress")}
        if pod.kind == "Deployment" and not ingress & {*pod.ports, *pod.ports.values()}:
            yield pod.owner, "is unreachable: no policy opens its port"
        if pod.kind != "Deployment" and ingress:
            yield pod.owner, f"has no port, but {sorted(map(str, ingress))} is open"
    for policy in policies:
        for rule in policy["spec"].get("ingress", []):
            where = f"NetworkPolicy/{policy['metadata']['name']}"
            if not rule.get("from") or not rule.get("ports"):
                yield where, "allows all sources or all ports"
            for peer in rule.get("from", []):
                cidr = dig(peer, "ipBlock").get("cidr")
                if cidr and ip_network(cidr).prefixlen < _WIDEST:
                    message = f"allows all of {cidr}, which is wider than a /{_WIDEST}"
                    yield where, message


def _addresses(manifests: Manifests, policies: list[Node], pod: Pod) -> Iterator[Violation]:
    clouds = {str(one.get("provisioner")) for _, one in manifests.of("StorageClass")}
    needed = [(_ANYWHERE, _TLS, "its model")]
    needed += [one for cloud in clouds for one in _EGRESS.get(cloud, ())]
    for address, port, why in needed:
        if not any(_allows(policy, pod, "egress", address, port) for policy in policies):
            message = f"cannot reach {why}: no policy opens port {port} of {address}"
            yield pod.owner, message
    if pod.kind == "Deployment":
        for address in (one for cloud in clouds for one in _BALANCERS.get(cloud, ())):
            if not any(_allows(policy, pod, "ingress", address) for policy in policies):
                message = f"the load balancer at {address} cannot connect"
                yield pod.owner, message


def _allows(policy: Node, pod: Pod, direction: str, address: str, port: int | None = None) -> bool:
    """Whether a policy allows connections of a pod with an address, on a port or on any."""
    side = "to" if direction == "egress" else "from"
    return selects(policy["spec"]["podSelector"], pod.labels) and any(
        _within(dig(peer, "ipBlock"), IPv4Address(address))
        for rule in policy["spec"].get(direction, [])
        if port is None or port in {one["port"] for one in rule.get("ports", [])}
        for peer in rule.get(side, [])
    )


def _within(block: Node, address: IPv4Address) -> bool:
    return bool(block.get("cidr")) and (
        address in ip_network(block["cidr"])
        and not any(address in ip_network(one) for one in block.get("except", []))
    )


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
