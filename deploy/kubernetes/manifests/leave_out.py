"""Leave services and components out of a deployment.

A cluster file, and the release file made of it, may list names under ``leave_out``: folders of
services, and components of the overlays. The renderer removes them from its copy of the manifests.
"""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import yaml

from manifests.errors import ReleaseError
from manifests.objects import Node, dig
from manifests.services import (
    KUBERNETES,
    documents,
    image_names,
    image_of,
    images,
    kustomization,
    model_names,
    services,
)

__all__ = ["add_to_cluster_file", "check_names", "leave_out", "optional_names", "supplied"]

_COMPONENT: Final = "../../components/"
# Without its default-deny, the policies that the overlays add would close what they do not list.
_REQUIRED: Final = {"network-policy"}
_LIST: Final = re.compile(r"^leave_out = .*\n", re.MULTILINE)


def optional_names(overlay: str = "*") -> list[str]:
    """The names that can be left out of an overlay, or of any overlay, sorted."""
    components = {
        component.removeprefix(_COMPONENT)
        for folder in (KUBERNETES / "overlays").glob(overlay)
        for component in kustomization(folder)["components"]
    }
    return sorted((components | set(services())) - _REQUIRED)


def supplied(left_out: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the images and of the models that are deployed if some names are left out."""
    without = set(left_out) & set(services())
    models = frozenset[str]().union(*(services()[name] for name in without))
    images = frozenset(map(image_of, without))
    return frozenset(image_names()) - images, frozenset(model_names()) - models


def add_to_cluster_file(file: Path, name: str) -> bool:
    """Add a name to the ``leave_out`` list of a cluster file, which is created if missing.

    Returns:
        False if the name was in the list already.

    Raises:
        ReleaseError: The name is unknown, or the file is not TOML.
    """
    check_names([name])
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        names = _texts(tomllib.loads(text).get("leave_out", []))
        if name in names:
            return False
        changed = f"leave_out = {json.dumps(sorted([*names, name]))}\n" + _LIST.sub("", text)
        tomllib.loads(changed)
    except (ValueError, TypeError) as error:
        raise ReleaseError(f"{file} cannot be edited, add {name!r} by hand: {error}") from error
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.part")
    partial.write_text(changed, encoding="utf-8")
    partial.replace(file)
    return True


def _texts(names: object) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError("leave_out is not a list of names")
    return names


def check_names(names: Iterable[str]) -> None:
    """Refuse unknown names.

    Raises:
        ReleaseError: A name is unknown; the message lists the known ones.
    """
    known = optional_names()
    if unknown := sorted(set(names) - set(known)):
        raise ReleaseError(
            f"leave_out: {', '.join(unknown)}: unknown; these can be left out: {', '.join(known)}"
        )


def leave_out(root: Path, names: Iterable[str]) -> None:
    """Remove services and components from a copy of the manifests.

    Args:
        root: The copy: the folders ``kubernetes`` and ``monitoring``.
        names: What to remove.
    """
    for name in names:
        if name in services():
            _remove_service(root, name)
        else:
            for overlay in (root / "kubernetes/overlays").iterdir():
                _remove_entries(overlay, "components", {_COMPONENT + name})


def _remove_service(root: Path, name: str) -> None:
    image, base = image_of(name), root / "kubernetes/base"
    folders = [one for one in base.iterdir() if one.is_dir() and images(one) == {image}]
    gone = {
        node["metadata"]["name"]
        for folder in folders
        for file in folder.glob("*.yaml")
        for node in documents(file)
        if "metadata" in node
    }
    _remove_entries(base, "resources", {one.name for one in folders})
    for part in ("components", "overlays"):
        for file in (root / "kubernetes" / part).rglob("*.yaml"):
            if file.name != "kustomization.yaml":
                before = list(documents(file))
                after = [_without(one, gone) for one in before if not _belongs(one, gone, image)]
                if not after:
                    _remove_entries(file.parent, "resources", {file.name})
                elif after != before:
                    file.write_text(yaml.safe_dump_all(after), encoding="utf-8")


def _belongs(node: Node, gone: set[str], image: str) -> bool:
    """Whether an object is only for a service that is gone."""
    return node["metadata"]["name"] in gone or images(node) == {image}


def _without(node: Node, gone: set[str]) -> Node:
    """An Ingress without the rules for services that are gone; other objects as they are."""
    if node["kind"] != "Ingress":
        return node
    rules = [one for one in node["spec"]["rules"] if not _back_ends(one) <= gone]
    return {**node, "spec": {**node["spec"], "rules": rules}}


def _back_ends(rule: Node) -> set[str]:
    return {dig(path, "backend", "service")["name"] for path in rule["http"]["paths"]}


def _remove_entries(folder: Path, key: str, entries: set[str]) -> None:
    """Remove entries of a list in a kustomization.yaml."""
    content = kustomization(folder)
    content[key] = [one for one in content.get(key, []) if one not in entries]
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
