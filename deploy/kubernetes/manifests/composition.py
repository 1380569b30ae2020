"""Composes the manifests: what all services have in common, and the parts of each service.

The kustomizations of ``deploy/kubernetes`` name no service. In a copy of them, a service adds

- the folders of its ``deploy/base`` to the base,
- each file ``deploy/PATH.yaml`` to the kustomization at PATH, such as ``components/autoscaling``:
  objects as resources, a JSON patch as a patch of the Ingress,
- the component ``shadow`` in the folder of a workload, if a challenger of its model is deployed.
"""

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final

import yaml
from service_files import Service

from manifests.errors import RenderError
from manifests.services import (
    REPOSITORY,
    deployed_services,
    documents,
    kustomization,
    shadow_workloads,
    workload_folders,
)

__all__ = ["COMPONENT", "compose"]

COMPONENT: Final = "../../components/"
"""How an overlay refers to the folder of the components."""

_SHARED: Final = Path("deploy/kubernetes")
_PARTS: Final = (_SHARED / "base", _SHARED / "components", _SHARED / "overlays")
_MONITORING: Final = Path("deploy/monitoring")


def compose(
    copy: Path,
    leave_out: Iterable[str] = (),
    root: Path = REPOSITORY,
    *,
    shadows: Collection[str] = (),
) -> Path:
    """Copy the manifests of a repository, with the parts of its services.

    Args:
        copy: An empty folder.
        leave_out: Services and components that are not deployed.
        root: The repository.
        shadows: Models that have a challenger in the shadow.

    Returns:
        The copy of ``deploy/kubernetes``.

    Raises:
        ManifestsError: A service file is wrong, or there is no kustomization for a file.
    """
    for part in (*_PARTS, _MONITORING):
        shutil.copytree(root / part, copy / part)
    services = {one.name: one for one in deployed_services(root)}
    left_out = set(leave_out)
    for name in sorted(services.keys() - left_out):
        _add_service(copy, services[name], shadows)
    components = {COMPONENT + name for name in left_out - services.keys()}
    for overlay in (copy / _SHARED / "overlays").iterdir():
        content = kustomization(overlay)
        kept = [one for one in content["components"] if one not in components]
        _write(overlay, content | {"components": kept})
    return copy / _SHARED


def _add_service(copy: Path, service: Service, shadows: Collection[str]) -> None:
    own = service.folder / "deploy"
    shutil.copytree(own / "base", copy / service.name / "deploy/base")
    shared = copy / _SHARED
    for folder in workload_folders(service):
        own_path = f"{service.name}/{folder.relative_to(service.folder)}"
        _append(shared / "base", "resources", f"../../../{own_path}")
    for model, folder in shadow_workloads(service):
        if model in shadows:
            own_copy = copy / service.name / folder.relative_to(service.folder)
            _append(own_copy, "components", "shadow")
    for file in sorted([*own.glob("components/**/*.yaml"), *own.glob("overlays/**/*.yaml")]):
        path = file.relative_to(own).with_suffix("")
        if not (shared / path / "kustomization.yaml").is_file():
            raise RenderError(
                f"{service.name}/deploy/{path}.yaml: there is no {_SHARED / path}/"
                "kustomization.yaml to add it to; name the file after a folder with one"
            )
        shutil.copy(file, shared / path / f"{service.name}.yaml")
        if any(isinstance(one, list) for one in documents(file)):
            patch = {"path": f"{service.name}.yaml", "target": {"kind": "Ingress"}}
            _append(shared / path, "patches", patch)
        else:
            _append(shared / path, "resources", f"{service.name}.yaml")


def _append(folder: Path, key: str, entry: object) -> None:
    """Append an entry to a list of a kustomization."""
    content = kustomization(folder)
    content.setdefault(key, []).append(entry)
    _write(folder, content)


def _write(folder: Path, content: dict[str, Any]) -> None:
    text = yaml.safe_dump(content, sort_keys=False)
    (folder / "kustomization.yaml").write_text(text, encoding="utf-8")
