"""Which services there are, as the base of the manifests says: nothing else has a list of them."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["image_names", "model_names"]

_BASE: Final = Path(__file__).resolve().parents[1] / "base"
_MODEL: Final = "-model"


@cache
def image_names(base: Path = _BASE) -> tuple[str, ...]:
    """The images that the workloads of the base run, by their names in this repository."""
    return tuple(
        dict.fromkeys(
            image
            for folder in _folders(base)
            for file in sorted(folder.glob("*.yaml"))
            for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
            for image in _values(document, "image")
        )
    )


@cache
def model_names(base: Path = _BASE) -> tuple[str, ...]:
    """The models that a release supplies: for each, the base has a ConfigMap ``NAME-model``."""
    return tuple(
        name.removesuffix(_MODEL)
        for folder in _folders(base)
        for generator in _kustomization(folder).get("configMapGenerator", [])
        if (name := str(generator["name"])).endswith(_MODEL)
    )


def _folders(base: Path) -> Iterator[Path]:
    for resource in _kustomization(base)["resources"]:
        if (base / resource).is_dir():
            yield base / resource


def _kustomization(folder: Path) -> dict[str, Any]:
    text = (folder / "kustomization.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _values(node: object, key: str) -> Iterator[str]:
    if isinstance(node, list):
        for child in node:
            yield from _values(child, key)
    elif isinstance(node, dict):
        for name, child in node.items():
            if name == key and isinstance(child, str):
                yield child
            yield from _values(child, key)
