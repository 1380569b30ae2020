"""A cluster in memory that answers kubectl's command lines and keeps managed fields.

Server-side apply as Kubernetes documents it: each leaf of an object has owners. A manager owns the
fields that it states; fields that it no longer states are removed unless another manager owns them.
Lists with a key are merged by it, and other lists are replaced. Deployments, jobs and storage
classes behave as far as a rollout uses them.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

Path = tuple[Any, ...]
Node = dict[str, Any]

# The key of each kind of list whose items have one; the first one that an item has counts.
LIST_KEYS: Final = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port"),
}
REPLICAS: Final[Path] = ("spec", "replicas")
# Group and version, plural, whether it is in a namespace; by kind.
KINDS: Final = {
    "ConfigMap": ("v1", "configmaps", True),
    "Event": ("v1", "events", True),
    "Namespace": ("v1", "namespaces", False),
    "PersistentVolume": ("v1", "persistentvolumes", False),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims", True),
    "Pod": ("v1", "pods", True),
    "Secret": ("v1", "secrets", True),
    "Service": ("v1", "services", True),
    "ServiceAccount": ("v1", "serviceaccounts", True),
    "Deployment": ("apps/v1", "deployments", True),
    "ReplicaSet": ("apps/v1", "replicasets", True),
    "CronJob": ("batch/v1", "cronjobs", True),
    "Job": ("batch/v1", "jobs", True),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers", True),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies", True),
    "StorageClass": ("storage.k8s.io/v1", "storageclasses", False),
}
PLURALS: Final = {plural: kind for kind, (_, plural, _) in KINDS.items()}
HISTORY: Final = 6
"""How many ReplicaSets a Deployment has: the last one, and its revisionHistoryLimit of 5."""


def flatten(node: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """The leaves of an object; an item of a list with keys is a step ``(key, value)``."""
    if isinstance(node, dict) and node:
        for key, child in node.items():
            yield from flatten(child, (*path, key))
    elif isinstance(node, list) and node and path and path[-1] in LIST_KEYS:
        for item in node:
            key = next(key for key in LIST_KEYS[path[-1]] if key in item)
            yield from flatten(item, (*path, (key, item[key])))
    else:
        yield path, node


def assemble(leaves: dict[Path, object]) -> Node:
    """The object of some leaves."""
    root: dict[Any, Any] = {}
    for path, value in leaves.items():
        node = root
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = value
    found = _lists(root)
    assert isinstance(found, dict)
    return found


def _lists(node: object) -> object:
    if not isinstance(node, dict):
        return node
    if node and all(isinstance(step, tuple) for step in node):
        return [_lists(child) for child in node.values()]
    return {step: _lists(child) for step, child in node.items()}


@dataclass
class Object:
    """An object, with the owners of its fields."""

    leaves: dict[Path, object]
    created: int
    owners: dict[str, set[Path]] = field(default_factory=dict)

    def conflicts(self, manager: str, node: Node) -> bool:
        """Whether another manager owns a field with another value than the one stated."""
        stated = dict(flatten(node))
        others = (owned for name, owned in self.owners.items() if name != manager)
        return any(
            path in stated and stated[path] != self.leaves[path]
            for owned in others
            for path in owned
        )

    def apply(self, manager: str, stated: dict[Path, object]) -> None:
        """Apply with --force-conflicts."""
        others = [owned for name, owned in self.owners.items() if name != manager]
        for path in self.owners.get(manager, set()) - stated.keys():
            if not any(path in owned for owned in others):
                self.leaves.pop(path, None)
        for path, value in stated.items():
            if self.leaves.get(path, value) != value:
                for owned in others:
                    owned.discard(path)
            self.leaves[path] = value
        self.owners[manager] = set(stated)

    def update(self, manager: str, path: Path, value: object) -> None:
        """Write one field, as a patch or an autoscaler does."""
        for owned in self.owners.values():
            owned.discard(path)
        self.leaves[path] = value
        self.owners.setdefault(manager, set()).add(path)

    @property
    def node(self) -> Node:
        found = assemble(self.leaves)
        found["metadata"]["creationTimestamp"] = f"{self.created:012}"
        return found


class RecordingCluster:
    """Answers like kubectl; `calls` has the command lines."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.replica_sets: dict[str, list[Node]] = {}
        self.calls: list[tuple[str, ...]] = []
        self.refusing: tuple[str, ...] = ()
        """Beginnings of command lines that are answered with Forbidden."""
        self.batch = ""
        """The model of the last job of the CronJob."""
        self.failing_jobs = False
        self._clock = 0

    def show(self, *words: str, text: str | None = None) -> bool:
        return self.ask(*words, text=text).returncode == 0

    def ask(self, *words: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        self.calls.append(words)
        line = " ".join(words)
        if any(line.startswith(one) for one in self.refusing):
            return _done(1, errors="Error from server (Forbidden)")
        verb, *rest = words
        return {
            "apply": self._apply,
            "get": self._get,
            "patch": self._patch,
            "create": self._create,
            "delete": self._delete,
            "rollout": self._rollout,
        }[verb](rest, text or "")

    def node(self, kind: str, name: str) -> Node:
        return self.objects[kind, name].node

    def names(self, kind: str) -> list[str]:
        return [name for one, name in self.objects if one == kind]

    def scale(self, name: str, replicas: int) -> None:
        """Set the replicas as an autoscaler does."""
        self.objects["Deployment", name].update("kube-controller-manager", REPLICAS, replicas)

    def _apply(self, words: list[str], text: str) -> "subprocess.CompletedProcess[str]":
        assert "--server-side" in words
        [manager] = [
            word.partition("=")[2] for word in words if word.startswith("--field-manager=")
        ]
        errors = []
        for node in yaml.load_all(text, Loader=yaml.CSafeLoader):
            where = (node["kind"], node["metadata"]["name"])
            known = self.objects.get(where)
            fixed = known.node.get("parameters") if known else node.get("parameters")
            if where[0] == "StorageClass" and node.get("parameters") != fixed:
                errors.append(
                    f'The StorageClass "{where[1]}" is invalid: parameters: Forbidden: updates'
                    " to parameters are forbidden."
                )
            elif known and "--force-conflicts" not in words and known.conflicts(manager, node):
                errors.append(f"Apply failed with conflicts: {where}")
            elif "--dry-run=server" not in words:
                self._apply_one(manager, where, node)
        return _done(1 if errors else 0, errors="\n".join(errors))

    def _apply_one(self, manager: str, where: tuple[str, str], node: Node) -> None:
        self._clock += 1
        one = self.objects.setdefault(where, Object({}, self._clock))
        one.apply(manager, dict(flatten(node)))
        if where[0] == "Deployment":
            one.leaves.setdefault(REPLICAS, 1)
            history = self.replica_sets.setdefault(where[1], [])
            template = one.node["spec"]["template"]
            if not history or history[-1]["spec"]["template"] != template:
                history.append({"kind": "ReplicaSet", "spec": {"template": template}})
                del history[:-HISTORY]
        elif where[0] == "Job":
            one.update("kube-controller-manager", ("status", "conditions"), self._ended())

    def _get(self, words: list[str], _: str) -> "subprocess.CompletedProcess[str]":
        if "/" in words[0]:
            kind, _, name = words[0].partition("/")
            known = self.objects.get((_kind(kind), name))
            if known is None:
                return _done() if "--ignore-not-found" in words else _done(1, errors="NotFound")
            return _done(output=json.dumps(known.node))
        kinds = {PLURALS[one] for one in words[0].split(",")}
        items = [one.node for (kind, _), one in self.objects.items() if kind in kinds]
        if "ReplicaSet" in kinds:
            items += [one for history in self.replica_sets.values() for one in history]
        if "-l" in words:
            label, _, value = words[words.index("-l") + 1].partition("=")
            items = [one for one in items if one["metadata"].get("labels", {}).get(label) == value]
        return _done(output=json.dumps({"items": items}))

    def _patch(self, words: list[str], _: str) -> "subprocess.CompletedProcess[str]":
        kind, _, name = words[0].partition("/")
        one = self.objects[_kind(kind), name]
        [manager] = [
            word.partition("=")[2] for word in words if word.startswith("--field-manager=")
        ]
        [text] = [word.partition("=")[2] for word in words if word.startswith("--patch=")]
        for step in json.loads(text):
            path = tuple(step["path"].strip("/").split("/"))
            if step["op"] == "test" and one.leaves.get(path) != step["value"]:
                return _done(1, errors="the server rejected our request: test failed")
            if step["op"] != "test":
                one.update(manager, path, step["value"])
        return _done()

    def _create(self, _: list[str], text: str) -> "subprocess.CompletedProcess[str]":
        self._clock += 1
        node = json.loads(text)
        name = f"{node['metadata'].pop('generateName')}{self._clock}"
        node["metadata"]["name"] = name
        node["status"] = {"conditions": self._ended()}
        if not self.failing_jobs:
            self.batch = node["metadata"]["labels"]["ml-services/first-batch-of"]
        self.objects["Job", name] = Object(dict(flatten(node)), self._clock)
        return _done(output=f"job.batch/{name}")

    def _ended(self) -> list[Node]:
        return [{"type": "Failed" if self.failing_jobs else "Complete", "status": "True"}]

    def _delete(self, words: list[str], _: str) -> "subprocess.CompletedProcess[str]":
        kind, _, name = words[0].partition("/")
        del self.objects[_kind(kind), name]
        return _done()

    def _rollout(self, words: list[str], _: str) -> "subprocess.CompletedProcess[str]":
        assert words[0] == "status"
        template = self.node("Deployment", words[1].partition("/")[2])["spec"]["template"]
        return _done(1 if "bad" in json.dumps(template) else 0)


def _kind(word: str) -> str:
    return next((kind for kind in KINDS if kind.lower() == word), word)


def _done(code: int = 0, output: str = "", errors: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.CompletedProcess([], code, output, errors)
