"""References to other objects: configuration, secrets, accounts, volumes, back ends."""

from collections.abc import Iterator
from typing import Final

from manifests.objects import Manifests, Node, Pod, Violation, dig, selects

__all__ = ["check"]

# Created by the cluster (../README.md).
_OUTSIDE: Final[set[tuple[str, str]]] = {
    ("IngressClass", "alb"),  # only cloud: aws
    ("GatewayClass", "gke-l7-global-external-managed"),  # only cloud: gcp
}


def check(manifests: Manifests) -> Iterator[Violation]:
    """Check that every referenced object exists."""
    for pod in manifests.pods:
        yield from _pod(manifests, pod)
    yield from _targets(manifests)
    yield from _routes(manifests)
    yield from _classes(manifests)
    yield from _canaries(manifests)


def _missing(where: str, kind: str, name: object, key: str = "") -> Violation:
    what = f"{kind} {name}" + (f" with the key {key}" if key else "")
    return (where, f"refers to {what}, which does not exist")


def _pod(manifests: Manifests, pod: Pod) -> Iterator[Violation]:
    account = pod.spec.get("serviceAccountName")
    if not manifests.find("ServiceAccount", str(account)):
        yield _missing(pod.owner, "ServiceAccount", account)
    volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
    for volume in volumes.values():
        claim = dig(volume, "persistentVolumeClaim").get("claimName")
        if claim is not None and not manifests.find("PersistentVolumeClaim", claim):
            yield _missing(pod.owner, "PersistentVolumeClaim", claim)
        config = dig(volume, "configMap").get("name")
        if config is not None and not manifests.find("ConfigMap", config):
            yield _missing(pod.owner, "ConfigMap", config)
    mounted: set[str] = set()
    for container in pod.containers:
        for mount in container.node.get("volumeMounts", []):
            mounted.add(mount["name"])
            if mount["name"] not in volumes:
                yield _missing(pod.owner, "volume", mount["name"])
        yield from _configuration(manifests, pod.owner, container.node)
    for unused in sorted(volumes.keys() - mounted):
        yield pod.owner, f"has the volume {unused}, which no container mounts"


def _configuration(manifests: Manifests, where: str, container: Node) -> Iterator[Violation]:
    for source in container.get("envFrom", []):
        name = dig(source, "configMapRef").get("name")
        if not manifests.find("ConfigMap", str(name)):
            yield _missing(where, "ConfigMap", name)
    # Created by the operator for each service.
    keys = {
        (f"{one.name}-api-keys", "API_KEYS") for one in manifests.pods if one.kind == "Deployment"
    }
    for variable in container.get("env", []):
        secret = dig(variable, "valueFrom", "secretKeyRef")
        if secret and (secret.get("name"), secret.get("key")) not in keys:
            yield _missing(where, "Secret", secret.get("name"), str(secret.get("key")))
        config = dig(variable, "valueFrom", "configMapKeyRef")
        if config:
            found = manifests.find("ConfigMap", str(config.get("name")))
            if config.get("key") not in dig(found or {}, "data"):
                yield _missing(where, "ConfigMap", config.get("name"), str(config.get("key")))


def _targets(manifests: Manifests) -> Iterator[Violation]:
    """Objects with another object as their target."""
    for where, one in manifests.of("HorizontalPodAutoscaler", "Rollout"):
        target = dig(one, "spec", "scaleTargetRef") or dig(one, "spec", "workloadRef")
        found = manifests.find(str(target.get("kind")), str(target.get("name")))
        if not found or found.get("apiVersion") != target.get("apiVersion"):
            yield _missing(where, str(target.get("kind")), target.get("name"))
    # begin cloud: gcp
    for where, one in manifests.of("HealthCheckPolicy", "GCPBackendPolicy"):
        target = dig(one, "spec", "targetRef")
        if not manifests.find(str(target.get("kind")), str(target.get("name"))):
            yield _missing(where, str(target.get("kind")), target.get("name"))
    # end cloud
    for where, one in manifests.of("PodDisruptionBudget", "NetworkPolicy", "PodMonitor"):
        selector = dig(one, "spec", "podSelector") or dig(one, "spec", "selector")
        if not any(selects(selector, pod.labels) for pod in manifests.pods):
            yield where, f"selects no pod: {selector}"


def _routes(manifests: Manifests) -> Iterator[Violation]:
    for where, one in manifests.of("HTTPRoute"):
        for parent in one["spec"].get("parentRefs", []):
            gateway = manifests.find("Gateway", parent["name"])
            listeners = dig(gateway or {}, "spec").get("listeners", [])
            if parent.get("sectionName") not in {listener["name"] for listener in listeners}:
                yield _missing(where, "listener", f"{parent['name']}/{parent.get('sectionName')}")
        for rule in one["spec"].get("rules", []):
            for backend in rule.get("backendRefs", []):
                ports = _ports(manifests, backend["name"])
                if backend.get("port") not in ports.values():
                    yield _missing(where, "Service", backend["name"], f"port {backend.get('port')}")
    for where, one in manifests.of("Ingress"):
        for rule in one["spec"].get("rules", []):
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                if service["port"].get("name") not in _ports(manifests, service["name"]):
                    port = f"port {service['port']}"
                    yield _missing(where, "Service", service["name"], port)


def _ports(manifests: Manifests, service: str) -> dict[str, int]:
    found = manifests.find("Service", service)
    return {port["name"]: port["port"] for port in dig(found or {}, "spec").get("ports", [])}


def _classes(manifests: Manifests) -> Iterator[Violation]:
    wanted = (
        ("PersistentVolumeClaim", "storageClassName", "StorageClass"),
        ("Ingress", "ingressClassName", "IngressClass"),
        ("Gateway", "gatewayClassName", "GatewayClass"),
    )
    for kind, field, target in wanted:
        for where, one in manifests.of(kind):
            name = one["spec"].get(field)
            if name and not manifests.find(target, name) and (target, name) not in _OUTSIDE:
                yield _missing(where, target, name)
    # begin cloud: gcp
    for where, one in manifests.of("StorageClass"):
        # Without it, the driver creates its instances in the network `default`.
        filestore = one.get("provisioner") == "filestore.csi.storage.gke.io"
        if filestore and not dig(one, "parameters").get("network"):
            yield where, "has no network: give that of the cluster"
    # end cloud


def _canaries(manifests: Manifests) -> Iterator[Violation]:
    for where, one in manifests.of("Rollout"):
        for step in one["spec"]["strategy"]["canary"]["steps"]:
            for template in dig(step, "analysis").get("templates", []):
                found = manifests.find("AnalysisTemplate", template["templateName"])
                if not found:
                    yield _missing(where, "AnalysisTemplate", template["templateName"])
                    continue
                given = {argument["name"] for argument in step["analysis"].get("args", [])}
                for argument in found["spec"].get("args", []):
                    if "value" not in argument and argument["name"] not in given:
                        yield _missing(where, "argument", argument["name"])
