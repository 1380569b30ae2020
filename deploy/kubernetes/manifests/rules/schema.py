"""Objects are what Kubernetes says they are, and each is there once."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Final

import kubernetes_validate

from manifests.objects import Manifests, Violation

__all__ = ["CUSTOM", "KUBERNETES_VERSION", "check"]

KUBERNETES_VERSION: Final = "1.32"

# What controllers bring along. Kubernetes' own schemas know nothing of these.
CUSTOM: Final = {
    "argoproj.io/v1alpha1": {"AnalysisTemplate", "Rollout"},
    "gateway.networking.k8s.io/v1": {"Gateway", "HTTPRoute"},
    "monitoring.coreos.com/v1": {"PodMonitor", "PrometheusRule"},
    "networking.gke.io/v1": {"GCPBackendPolicy", "HealthCheckPolicy"},
}


def check(manifests: Manifests) -> Iterator[Violation]:
    """Validate against the schemas of the oldest Kubernetes that is supported, strictly."""
    identities = Counter(
        (
            one.get("apiVersion"),
            one["kind"],
            one["metadata"].get("namespace"),
            one["metadata"]["name"],
        )
        for one in manifests.objects
    )
    for (_, kind, _, name), count in identities.items():
        if count > 1:
            yield f"{kind}/{name}", f"is there {count} times; name each once"
    for one in manifests.objects:
        where = f"{one['kind']}/{one['metadata']['name']}"
        version = one.get("apiVersion")
        if not version:
            yield where, "has no apiVersion; write it"
        elif one["kind"] in CUSTOM.get(version, set()):
            continue
        elif problem := _problem(json.dumps(one, sort_keys=True)):
            yield where, problem


@cache
def _problem(document: str) -> str | None:
    """What the schema says of an object; combinations of components hold the same ones again."""
    one = json.loads(document)
    try:
        kubernetes_validate.validate(one, KUBERNETES_VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(str(part) for part in error.path)}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        known = f"Kubernetes {KUBERNETES_VERSION} has no {one['apiVersion']} {one['kind']}"
        return f"{known}; mend the apiVersion, or add it to CUSTOM"
    return None
