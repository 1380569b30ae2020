"""The services of the repository that have manifests, and what these need from a release."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from service_files import Service, ServiceFileError
from service_files import services as read_services

from manifests.errors import ManifestsError

__all__ = [
    "KUBERNETES",
    "REPOSITORY",
    "deployed_services",
    "documents",
    "image_names",
    "kustomization",
    "model_names",
    "models_of",
    "shadow_names",
    "shadow_workloads",
    "workload_folders",
]

REPOSITORY: Final = Path(__file__).resolve().parents[3]
KUBERNETES: Final = REPOSITORY / "deploy/kubernetes"
_MODEL: Final = "-model"
_SHADOW: Final = "-shadow"


@cache
def deployed_services(root: Path = REPOSITORY) -> tuple[Service, ...]:
    """The services that have manifests: folders in ``deploy/base``.

    Raises:
        ManifestsError: A service file is wrong.
    """
    try:
        found = read_services(root)
    except ServiceFileError as error:
        raise ManifestsError(str(error)) from error
    return tuple(one for one in found if workload_folders(one))


def workload_folders(service: Service) -> list[Path]:
    """The folders with the workloads of a service, such as its API and its jobs."""
    return sorted(file.parent for file in service.folder.glob("deploy/base/*/kustomization.yaml"))


@cache
def image_names(root: Path = REPOSITORY) -> frozenset[str]:
    """The images that a release may supply, by their names in this repository."""
    found = deployed_services(root)
    return frozenset(name for one in found for name in (one.image_name, one.watch_image_name))


@cache
def model_names(root: Path = REPOSITORY) -> frozenset[str]:
    """The models that a release supplies."""
    return frozenset(name for one in deployed_services(root) for name in models_of(one))


def models_of(service: Service) -> frozenset[str]:
    """The models of a service: for each, a workload has a ConfigMap ``NAME-model``."""
    return frozenset(
        name for folder in workload_folders(service) for name in _generated(folder, _MODEL)
    )


def shadow_workloads(service: Service) -> Iterator[tuple[str, Path]]:
    """The workloads of a service that take a challenger of a model, by their folders.

    Such a workload has a component in its folder ``shadow``, with a ConfigMap ``NAME-shadow``.
    """
    for folder in workload_folders(service):
        if (folder / "shadow/kustomization.yaml").is_file():
            yield from ((name, folder) for name in _generated(folder / "shadow", _SHADOW))


@cache
def shadow_names(root: Path = REPOSITORY) -> frozenset[str]:
    """The models that may have a challenger in the shadow."""
    return frozenset(
        name for service in deployed_services(root) for name, _ in shadow_workloads(service)
    )


def _generated(folder: Path, suffix: str) -> Iterator[str]:
    """The names of the ConfigMaps of a kustomization that end in a suffix, without it."""
    for generator in kustomization(folder).get("configMapGenerator", []):
        if (name := str(generator["name"])).endswith(suffix):
            yield name.removesuffix(suffix)


def documents(file: Path) -> Iterator[Any]:
    """The documents of a YAML file."""
    return (one for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one)


def kustomization(folder: Path) -> dict[str, Any]:
    """The kustomization.yaml of a folder."""
    [found] = documents(folder / "kustomization.yaml")
    content: dict[str, Any] = found
    return content
