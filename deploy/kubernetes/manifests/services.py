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
    "workload_folders",
]

REPOSITORY: Final = Path(__file__).resolve().parents[3]
KUBERNETES: Final = REPOSITORY / "deploy/kubernetes"
_MODEL: Final = "-model"


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
        name.removesuffix(_MODEL)
        for folder in workload_folders(service)
        for generator in kustomization(folder).get("configMapGenerator", [])
        if (name := str(generator["name"])).endswith(_MODEL)
    )


def documents(file: Path) -> Iterator[Any]:
    """The documents of a YAML file."""
    return (one for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one)


def kustomization(folder: Path) -> dict[str, Any]:
    """The kustomization.yaml of a folder."""
    [found] = documents(folder / "kustomization.yaml")
    content: dict[str, Any] = found
    return content
