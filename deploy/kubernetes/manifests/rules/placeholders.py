"""No empty values, placeholders or floating images: the release supplies everything."""

import re
from collections.abc import Iterable, Iterator

from manifests.objects import Manifests, Node, Pod, Violation

__all__ = ["check"]

_DIGEST = re.compile(r"[^@\s]+/[^@\s]+@sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[^@\s]+/[^@\s:]+:(?!latest$)[\w.-]+")
_PLACEHOLDER = re.compile(
    r"\b(?:CHANGE_?ME|REPLACE_?ME|TODO|FIXME|DOMAIN|PLACEHOLDER|UNSET)\b|<[a-z_-]+>|:latest\b"
)
# The settings of a model; the name of a generated ConfigMap ends in a hash.
_MODEL = re.compile(r".+-model-[0-9a-z]{10}")

_TEXTS = ("ConfigMap/ml-services-dashboards", "ConfigMap/retraining-release-")

# Strings that may be empty: the core API group, and the class of a volume without one.
_EMPTY_BY_DESIGN = ("targetRef.group", "spec.storageClassName", "seccompProfile")


def check(manifests: Manifests) -> Iterator[Violation]:
    """Check every string and image, and the URI and digest of each model."""
    for one in manifests.objects:
        where = f"{one['kind']}/{one['metadata']['name']}"
        # Dashboards and alerting rules contain templates for other programs, and the release file
        # the names of values, which were checked.
        if one["kind"] != "PrometheusRule" and not where.startswith(_TEXTS):
            yield from _strings(where, one)
    for pod in manifests.pods:
        yield from _images(manifests, pod)
    for where, config in manifests.of("ConfigMap"):
        if _MODEL.fullmatch(config["metadata"]["name"]):
            for key in sorted({"MODEL_URI", "MODEL_SHA256"} - (config.get("data") or {}).keys()):
                yield where, f"has no {key}; render with DIGESTS=FILE"


def _strings(where: str, one: Node) -> Iterator[Violation]:
    for path, value in _leaves(one):
        if value in (None, "") and not path.endswith(_EMPTY_BY_DESIGN):
            yield where, f"{path} is empty; give it in the release file"
        elif isinstance(value, str) and (placeholder := _PLACEHOLDER.search(value)):
            yield where, f"{path} contains the placeholder {placeholder[0]!r}"
        elif path.endswith(("host", "hostnames.0")) and str(value).endswith("."):
            yield where, f"{path} is {value!r}: the domain is missing"


def _images(manifests: Manifests, pod: Pod) -> Iterator[Violation]:
    for container in pod.containers:
        tagged = manifests.local and _TAG.fullmatch(container.image)
        if not (_DIGEST.fullmatch(container.image) or tagged):
            problem = f"container {container.name} runs {container.image!r}"
            yield (
                pod.owner,
                f"{problem}, which is not named by its digest; render with DIGESTS=FILE",
            )


def _leaves(node: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(node, dict):
        children: Iterable[tuple[object, object]] = node.items()
    elif isinstance(node, list):
        children = enumerate(node)
    else:
        yield path, node
        return
    for name, child in children:
        yield from _leaves(child, f"{path}.{name}" if path else str(name))
