"""The names that infrastructure, manifests and workflows share."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests.render import CLOUDS as MANIFEST_CLOUDS
from manifests.render import KUBERNETES, NAMESPACE, value_names
from manifests.services import image_names
from workflows.reading import SERVICES

from terraform.configuration import CLOUDS, ROOT, TERRAFORM, modules, text

# The overlay of each folder of Terraform: deploy/release/OVERLAY.mk names it.
OVERLAYS = {
    cloud: overlay
    for file in ROOT.glob("deploy/release/*.mk")
    for overlay, cloud in re.findall(
        r"^TERRAFORM_ROOT_(\w+) := (\w+)$", file.read_text(encoding="utf-8"), re.MULTILINE
    )
}


def default(cloud: str, variable: str) -> object:
    return modules(cloud)[0].named("variable")[variable]["default"]


def derived() -> dict[str, Any]:
    """Images and service accounts of the services, as Terraform reads them."""
    found: dict[str, Any] = json.loads((TERRAFORM / "services.json").read_text(encoding="utf-8"))
    return found


def accounts() -> dict[str, Path]:
    """The service accounts of the manifests, and the files that contain them."""
    found = {}
    folders = [KUBERNETES, *(one.folder / "deploy" for one in SERVICES.values())]
    for path in sorted(path for folder in folders for path in folder.rglob("*.yaml")):
        for one in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if isinstance(one, dict) and one.get("kind") == "ServiceAccount":
                found[one["metadata"]["name"]] = path
    return found


def test_every_folder_of_terraform_is_that_of_an_overlay() -> None:
    assert sorted(OVERLAYS) == CLOUDS
    assert sorted(OVERLAYS.values()) == sorted(MANIFEST_CLOUDS)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_namespace_is_that_of_the_manifests(cloud: str) -> None:
    assert text(default(cloud, "namespace")) == NAMESPACE


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_service_account_has_an_identity_and_no_other_has(cloud: str) -> None:
    readers = {account for one in derived().values() for account in one["accounts"]}
    writers = {text(name) for name in list(default(cloud, "model_writers"))}  # type: ignore[call-overload]

    assert readers | writers == accounts().keys()
    folders = {name: path.relative_to(ROOT).parts for name, path in accounts().items()}
    assert writers == {name for name, parts in folders.items() if "retraining" in parts}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_values_are_those_that_the_overlay_asks_for(cloud: str) -> None:
    value = modules(cloud)[0].named("output")["values"]["value"]

    assert {name for name in value if name.isupper()} == value_names(OVERLAYS[cloud])


def test_there_is_a_repository_for_every_image() -> None:
    assert {image for one in derived().values() for image in one["images"]} == set(image_names())


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_environments_are_those_of_the_workflows(cloud: str) -> None:
    variables = (modules(cloud)[0].path / "variables.tf").read_text(encoding="utf-8")
    environments = dict(
        re.findall(r"(release|deploy) += optional\(string, \"([\w-]+)\"\)", variables)
    )
    overlay = OVERLAYS[cloud]
    release = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    deploy = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")

    assert environments == {"release": f"release-{overlay}", "deploy": overlay}
    assert "environment: release-${{ matrix.cluster }}" in release
    assert "environment: ${{ inputs.cluster }}" in deploy


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_variable_of_the_workflows_is_said_by_an_output(cloud: str) -> None:
    outputs = (modules(cloud)[0].path / "outputs.tf").read_text(encoding="utf-8")
    prefixes = tuple(f"{name.upper()}_" for name in (cloud, OVERLAYS[cloud]))
    said = set(re.findall(rf"\b((?:{'|'.join(prefixes)})[A-Z_]+|REGISTRY)\b", outputs))
    used = {
        name
        for workflow in ("release", "deploy")
        for name in re.findall(
            r"vars\.(\w+)", (ROOT / f".github/workflows/{workflow}.yml").read_text(encoding="utf-8")
        )
        if name.startswith(prefixes) or name == "REGISTRY"
    }

    assert said == used


# begin cloud: gcp
def test_nothing_is_made_before_the_project_has_the_services_that_make_it() -> None:
    waits = {
        name: str(body.get("depends_on"))
        for name, body in modules("gcp")[0].named("module").items()
    }

    assert waits.pop("access") == "['${module.cluster}']"
    assert waits
    assert set(waits.values()) == {"['${google_project_service.this}']"}


# end cloud


def test_nothing_moves_a_tag_of_registries_whose_tags_are_immutable() -> None:
    release = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")

    assert "actions/attest-" in release
    assert "push-to-registry" not in release
