"""The services of the repository, as its folders and the base of the manifests have them."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = [
    "KUBERNETES",
    "documents",
    "image_names",
    "image_of",
    "images",
    "kustomization",
    "model_names",
    "services",
]

KUBERNETES: Final = Path(__file__).resolve().parents[1]
_BASE: Final = KUBERNETES / "base"
_MODEL: Final = "-model"


@cache
def image_names(base: Path = _BASE) -> tuple[str, ...]:
    """The images that the workloads of the base run, by their names in this repository."""
    return tuple(dict.fromkeys(name for one in _folders(base) for name in sorted(images(one))))


@cache
def model_names(base: Path = _BASE) -> tuple[str, ...]:
    """The models that a release supplies: for each, the base has a ConfigMap ``NAME-model``."""
    return tuple(name for folder in _folders(base) for name in _models(folder))


@cache
def services(base: Path = _BASE) -> dict[str, frozenset[str]]:
    """The models of each service in the base, by the service's folder in the repository."""
    return {
        demo.parent.name: frozenset(
            name
            for folder in _folders(base)
            if images(folder) == {image_of(demo.parent.name)}
            for name in _models(folder)
        )
        for demo in sorted(KUBERNETES.parents[1].glob("*/service.toml"))
        if image_of(demo.parent.name) in image_names(base)
    }


def image_of(service: str) -> str:
    """The name of a service's image: that of its folder in small letters."""
    return service.lower()


def images(source: Path | dict[str, Any]) -> set[str]:
    """The images that a folder of manifests, or one object, runs."""
    if isinstance(source, dict):
        return set(_values(source, "image"))
    return {
        image
        for file in sorted(source.glob("*.yaml"))
        for document in documents(file)
        for image in images(document)
    }


def documents(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a YAML file."""
    return (one for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one)


def kustomization(folder: Path) -> dict[str, Any]:
    """The kustomization.yaml of a folder."""
    [found] = documents(folder / "kustomization.yaml")
    return found


def _models(folder: Path) -> Iterator[str]:
    for generator in kustomization(folder).get("configMapGenerator", []):
        if (name := str(generator["name"])).endswith(_MODEL):
            yield name.removesuffix(_MODEL)


def _folders(base: Path) -> Iterator[Path]:
    for resource in kustomization(base)["resources"]:
        if (base / resource).is_dir():
            yield base / resource


def _values(node: object, key: str) -> Iterator[str]:
    if isinstance(node, list):
        for child in node:
            yield from _values(child, key)
    elif isinstance(node, dict):
        for name, child in node.items():
            if name == key and isinstance(child, str):
                yield child
            yield from _values(child, key)
