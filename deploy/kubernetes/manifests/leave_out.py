"""Leave services and components out of a deployment.

A cluster file, and the release file made of it, may list names under ``leave_out``: folders of
services, and components of the overlays. The renderer does not add them (composition.py).
"""

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from text_files import replace_text

from manifests.composition import COMPONENT
from manifests.errors import ReleaseError
from manifests.services import (
    KUBERNETES,
    deployed_services,
    kustomization,
    model_names,
    models_of,
)

__all__ = [
    "add_to_cluster_file",
    "check_names",
    "optional_names",
    "report_images",
    "retraining_images",
    "retrains",
    "supplied",
]

_REPORTS: Final = "reports"
_RETRAINING: Final = "retraining"
# Without its default-deny, the policies that the overlays add would close what they do not list.
_REQUIRED: Final = {"network-policy"}
_LIST: Final = re.compile(r"^leave_out = .*\n", re.MULTILINE)


def optional_names(overlay: str = "*") -> list[str]:
    """The names that can be left out of an overlay, or of any overlay, sorted."""
    components = {
        component.removeprefix(COMPONENT)
        for folder in (KUBERNETES / "overlays").glob(overlay)
        for component in kustomization(folder)["components"]
    }
    services = _services()
    return sorted((components | (services if len(services) > 1 else set())) - _REQUIRED)


def supplied(left_out: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the images and of the models that are deployed if some names are left out.

    Those of `report_images` come on top, for the models that have a prediction log, and those of
    `retraining_images`, if models are retrained.
    """
    without = [one for one in deployed_services() if one.name in set(left_out)]
    models = frozenset[str]().union(*map(models_of, without))
    images = frozenset(one.image_name for one in deployed_services() if one not in without)
    return images, model_names() - models


def report_images(left_out: Iterable[str]) -> dict[str, str]:
    """The image that reports on the predictions of each model, if some names are left out."""
    left_out = set(left_out)
    if _REPORTS in left_out:
        return {}
    return {
        model: one.watch_image_name
        for one in deployed_services()
        if one.name not in left_out
        for model in models_of(one)
    }


def retrains(overlay: str, left_out: Iterable[str]) -> bool:
    """Whether an overlay retrains models, if some names are left out."""
    return _RETRAINING in optional_names(overlay) and _RETRAINING not in set(left_out)


def retraining_images(left_out: Iterable[str]) -> frozenset[str]:
    """The images in which challengers are trained and compared, if some names are left out."""
    left_out = set(left_out)
    return frozenset(
        one.watch_image_name
        for one in deployed_services()
        if one.name not in left_out
        and (one.folder / f"deploy/components/{_RETRAINING}/jobs.yaml").is_file()
    )


def _services() -> set[str]:
    return {one.name for one in deployed_services()}


def add_to_cluster_file(file: Path, name: str) -> bool:
    """Add a name to the ``leave_out`` list of a cluster file, which is created if missing.

    Returns:
        False if the name was in the list already.

    Raises:
        ReleaseError: The name is unknown, or the file is not TOML.
    """
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        names = _texts(tomllib.loads(text).get("leave_out", []))
        check_names([*names, name])
        if name in names:
            return False
        changed = f"leave_out = {json.dumps(sorted([*names, name]))}\n" + _LIST.sub("", text)
        tomllib.loads(changed)
    except (ValueError, TypeError) as error:
        raise ReleaseError(f"{file} cannot be edited, add {name!r} by hand: {error}") from error
    replace_text(file, changed)
    return True


def _texts(names: object) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError("leave_out is not a list of names")
    return names


def check_names(names: Sequence[str]) -> None:
    """Refuse unknown names, and names that leave no service.

    Raises:
        ReleaseError: A name is unknown, or every service is left out; the message lists the known
            names.
    """
    known = optional_names()
    if unknown := sorted(set(names) - set(known)):
        raise ReleaseError(
            f"leave_out: {', '.join(unknown)}: unknown; these can be left out: {', '.join(known)}"
        )
    if _services() <= set(names):
        raise ReleaseError("leave_out: every service is left out; deploy at least one of them")
