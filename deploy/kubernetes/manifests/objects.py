"""Rendered manifests as Python objects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from manifests.errors import ManifestsError

__all__ = [
    "Container",
    "ManifestFinding",
    "Manifests",
    "Node",
    "Pod",
    "dig",
    "read_manifests",
    "selects",
]

Node = dict[str, Any]
"""A YAML mapping."""

Violation = tuple[str, str]
"""What a rule finds: the object, as Kind/name, and what is wrong with it."""

# Path of the pod template in each kind.
_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True, order=True)
class ManifestFinding:
    """A violation of a rule.

    Attributes:
        where: The object, as Kind/name.
        code: Name of the rule, which is the name of its module.
        message: What is wrong, and the remedy.
    """

    where: str
    code: str
    message: str

    def __str__(self) -> str:
        """One line, in the format of all checkers of this repository."""
        return f"{self.where}: {self.code} {self.message}"


@dataclass(frozen=True)
class Container:
    """A container of a pod.

    Attributes:
        node: Its specification.
        init: Whether it is an init container, which ends before the others start.
    """

    node: Node = field(repr=False)
    init: bool

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.node.get("name"))

    @property
    def image(self) -> str:
        """Its image."""
        return str(self.node.get("image") or "")

    @property
    def ports(self) -> dict[str, int]:
        """Its ports by name."""
        return {port["name"]: port["containerPort"] for port in self.node.get("ports", [])}


@dataclass(frozen=True)
class Pod:
    """The pods of a workload.

    Attributes:
        owner: The workload, as Kind/name.
        kind: Kind of the workload.
        name: Name of the workload.
        labels: Labels of the pods.
        spec: Specification of the pods.
    """

    owner: str
    kind: str
    name: str
    labels: Mapping[str, str]
    spec: Node = field(repr=False)

    @property
    def containers(self) -> list[Container]:
        """Its containers, in the order in which they start."""
        first = [Container(node, init=True) for node in self.spec.get("initContainers", [])]
        return first + [Container(node, init=False) for node in self.spec.get("containers", [])]

    @property
    def ports(self) -> dict[str, int]:
        """The ports that it listens on, by name."""
        return {name: port for one in self.containers for name, port in one.ports.items()}


@dataclass(frozen=True)
class Manifests:
    """All objects of an overlay.

    Attributes:
        objects: The objects in the order of the file.
        local: Whether images may have tags, as on one machine.
    """

    objects: tuple[Node, ...] = field(repr=False)
    local: bool = False

    def of(self, *kinds: str) -> Iterator[tuple[str, Node]]:
        """The objects of some kinds, each with its Kind/name."""
        for one in self.objects:
            if one.get("kind") in kinds:
                yield f"{one['kind']}/{one['metadata']['name']}", one

    def find(self, kind: str, name: str) -> Node | None:
        """The object with a kind and name, if there is one."""
        for _, one in self.of(kind):
            if one["metadata"]["name"] == name:
                return one
        return None

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """The pods of every workload."""
        found = []
        for where, one in self.of(*_TEMPLATES):
            template = dig(one, *_TEMPLATES[one["kind"]])
            labels = dig(template, "metadata", "labels")
            spec = dig(template, "spec")
            found.append(Pod(where, one["kind"], one["metadata"]["name"], labels, spec))
        return tuple(found)

    def environment(self, container: Container) -> dict[str, str]:
        """The environment variables of a container; values of secrets are `<secret>`.

        References to missing objects are skipped: the rule `references` reports them.
        """
        found: dict[str, str] = {}
        for source in container.node.get("envFrom", []):
            data = self._data(dig(source, "configMapRef").get("name"))
            found |= {key: str(value) for key, value in data.items()}
        for variable in container.node.get("env", []):
            origin = variable.get("valueFrom")
            if origin is None:
                found[variable["name"]] = str(variable.get("value", ""))
            elif "secretKeyRef" in origin or "fieldRef" in origin:
                found[variable["name"]] = "<secret>" if "secretKeyRef" in origin else "<field>"
            elif "configMapKeyRef" in origin:
                reference = origin["configMapKeyRef"]
                data = self._data(reference.get("name"))
                if reference.get("key") in data:
                    found[variable["name"]] = str(data[reference["key"]])
        return found

    def _data(self, name: object) -> Node:
        found = self.find("ConfigMap", str(name))
        return dig(found or {}, "data")


def read_manifests(text: str, *, local: bool = False) -> Manifests:
    """Parse rendered manifests.

    Raises:
        ManifestsError: The text is not YAML, or an object has no kind or name.
    """
    try:
        # Ten times as fast as safe_load_all.
        objects = [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one is not None]
    except yaml.YAMLError as error:
        raise ManifestsError(f"Not YAML: {error}") from error
    for one in objects:
        if not (isinstance(one, dict) and one.get("kind") and dig(one, "metadata").get("name")):
            raise ManifestsError(f"An object without kind or name: {str(one)[:200]}")
    return Manifests(tuple(objects), local=local)


def dig(node: Node, *path: str) -> Node:
    """The mapping at a path, or an empty one."""
    for part in path:
        found = node.get(part)
        if not isinstance(found, dict):
            return {}
        node = found
    return node


def selects(selector: Node, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches labels."""
    for key, value in dig(selector, "matchLabels").items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        value, values = labels.get(expression["key"]), expression.get("values", [])
        operator = expression["operator"]
        holds = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[operator]
        if not holds:
            return False
    return True
