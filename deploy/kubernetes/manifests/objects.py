"""Rendered manifests as objects that rules can ask."""

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

# Where each kind that makes pods keeps their template.
_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True, order=True)
class ManifestFinding:
    """Something that does not hold.

    Attributes:
        where: The object, as Kind/name.
        code: The rule: the name of its module.
        message: What is wrong, and what to do.
    """

    where: str
    code: str
    message: str

    def __str__(self) -> str:
        """One line, as every checker of this repository writes it."""
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
        kind: Its kind.
        name: Its name.
        labels: The labels of the pods.
        spec: Their specification.
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
        objects: As they were rendered.
        local: Whether they are for one machine, where images have tags.
    """

    objects: tuple[Node, ...] = field(repr=False)
    local: bool = False

    def of(self, *kinds: str) -> Iterator[tuple[str, Node]]:
        """The objects of some kinds, each with its place."""
        for one in self.objects:
            if one.get("kind") in kinds:
                yield f"{one['kind']}/{one['metadata']['name']}", one

    def find(self, kind: str, name: str) -> Node | None:
        """The object of that kind and name."""
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
        """What a container finds in its environment; a secret's value is shown as `<secret>`.

        References to what does not exist are left out: another rule reports them.
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
    """Parse what an overlay renders to.

    Raises:
        ManifestsError: It is no YAML, or an object lacks what makes it one.
    """
    try:
        # The same as safe_load_all, and ten times as fast.
        objects = [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one is not None]
    except yaml.YAMLError as error:
        raise ManifestsError(f"Not YAML: {error}") from error
    for one in objects:
        if not (isinstance(one, dict) and one.get("kind") and dig(one, "metadata").get("name")):
            raise ManifestsError(f"An object without kind or name: {str(one)[:200]}")
    return Manifests(tuple(objects), local=local)


def dig(node: Node, *path: str) -> Node:
    """The mapping at a path; an empty one where there is none."""
    for part in path:
        found = node.get(part)
        if not isinstance(found, dict):
            return {}
        node = found
    return node


def selects(selector: Node, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects something with these labels."""
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
