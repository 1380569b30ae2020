"""Removes ConfigMaps of earlier versions: each change of their data creates one with a new name."""

import json
import re
from collections.abc import Iterator
from typing import Final

from manifests.kubectl import Kubectl, say
from manifests.objects import Manifests, Node

__all__ = ["KEPT", "remove_unused_config"]

KEPT: Final = 5
"""Number of unused ConfigMaps that are kept for each name."""
_HASHED: Final = re.compile(r"(?P<base>.+)-[0-9a-z]{10}")
_ENDED: Final = {"Succeeded", "Failed"}


def remove_unused_config(kubectl: Kubectl, *versions: Manifests) -> None:
    """Remove hashed ConfigMaps that no workload uses, except the newest few of each name.

    A failure is reported and does not fail the rollout; the next one tries again.

    Args:
        kubectl: The cluster.
        versions: The running version and the rollback targets: their ConfigMaps are kept, and only
            ConfigMaps with the same names before the hash are removed.
    """
    ours = {one["metadata"]["name"] for each in versions for _, one in each.of("ConfigMap")}
    bases = {base for name in ours if (base := _base(name))}
    listed = kubectl.ask("get", "configmaps", "-o", "json")
    using = kubectl.ask("get", "deployments,replicasets,cronjobs,pods", "-o", "json")
    if listed.returncode != 0 or using.returncode != 0:
        say(f"Unused ConfigMaps are not removed: {(listed.stderr + using.stderr).strip()}")
        return
    used = ours | {
        name
        for one in json.loads(using.stdout)["items"]
        if one.get("status", {}).get("phase") not in _ENDED
        for name in _references(one)
    }
    unused: dict[str, list[Node]] = {}
    for one in json.loads(listed.stdout)["items"]:
        name = one["metadata"]["name"]
        if name not in used and (base := _base(name)) in bases:
            unused.setdefault(base, []).append(one)
    for those in unused.values():
        newest_first = sorted(those, key=lambda one: str(one["metadata"]["creationTimestamp"]))[
            ::-1
        ]
        for one in newest_first[KEPT:]:
            kubectl.show("delete", f"configmap/{one['metadata']['name']}")


def _base(name: str) -> str:
    """The name of a ConfigMap without its hash; empty if it has no hash."""
    found = _HASHED.fullmatch(name)
    return found["base"] if found else ""


def _references(node: object) -> Iterator[str]:
    """The names of all ConfigMaps that an object refers to."""
    if isinstance(node, list):
        for child in node:
            yield from _references(child)
    elif isinstance(node, dict):
        for key, child in node.items():
            if key in {"configMapRef", "configMapKeyRef", "configMap"} and isinstance(child, dict):
                yield str(child.get("name"))
            yield from _references(child)
