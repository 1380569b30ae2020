"""Objects match the schemas of Kubernetes, and each exists once."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Final

import kubernetes_validate

from manifests.objects import Manifests, Violation

__all__ = ["CUSTOM", "KUBERNETES_VERSION", "check"]

KUBERNETES_VERSION: Final = "1.32"

# Kinds of controllers, without a schema here.
CUSTOM: Final = {
    "argoproj.io/v1alpha1": {"AnalysisTemplate", "Rollout"},
    "gateway.networking.k8s.io/v1": {"Gateway", "HTTPRoute"},
    "monitoring.coreos.com/v1": {"PodMonitor", "PrometheusRule"},
    "networking.gke.io/v1": {"GCPBackendPolicy", "HealthCheckPolicy"},  # only cloud: gcp
}


def check(manifests: Manifests) -> Iterator[Violation]:
    """Validate strictly against the schemas of the oldest supported Kubernetes."""
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
            yield f"{kind}/{name}", f"exists {count} times; use each name once"
    for one in manifests.objects:
        where = f"{one['kind']}/{one['metadata']['name']}"
        version = one.get("apiVersion")
        if not version:
            yield where, "has no apiVersion; add it"
        elif one["kind"] in CUSTOM.get(version, set()):
            continue
        elif error := _schema_error(json.dumps(one, sort_keys=True)):
            yield where, error


@cache
def _schema_error(document: str) -> str | None:
    """The first schema error of an object; cached, because combinations share their objects."""
    one = json.loads(document)
    try:
        kubernetes_validate.validate(one, KUBERNETES_VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(str(part) for part in error.path)}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        known = f"Kubernetes {KUBERNETES_VERSION} has no {one['apiVersion']} {one['kind']}"
        return f"{known}; correct the apiVersion, or add it to CUSTOM"
    return None
