"""Every rule is seen to fail: the defects of defects*.yaml, each planted alone."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from clouds import OVERLAY, needs_cloud
from manifests.combinations import build_combinations
from manifests.objects import Manifests, Node, read_manifests
from manifests.render import CLOUDS, OVERLAYS
from manifests.rules import check
from manifests.services import deployed_services

# Whichever service comes first: the defects are planted in what all services have.
SERVICE = deployed_services()[0].package


def _defects(file: str, overlay: str) -> list[Node]:
    text = Path(__file__).with_name(file).read_text("utf-8").replace("SERVICE", SERVICE)
    return [{"overlay": overlay} | one for one in yaml.safe_load(text)]


# A cloud's own defects are in a file of their own.
DEFECTS = [
    *_defects("defects.yaml", OVERLAY),
    *(one for cloud in CLOUDS for one in _defects(f"defects-{cloud}.yaml", cloud)),
]
NIGHTLY = tuple(yaml.safe_load_all(Path(__file__).with_name("nightly.yaml").read_bytes()))
OURS = [one for one in DEFECTS if not one["code"].startswith("CKV_")]
WITH_CANARY = ("canary", "network-policy", "disruption-budget", "monitoring")


@pytest.fixture(scope="session")
def parsed(rendered: dict[str, str]) -> dict[str, Manifests]:
    """Each overlay, and the base with the component canary."""
    found = {
        overlay: read_manifests(text, local=overlay == "local")
        for overlay, text in rendered.items()
    }
    [canary] = build_combinations([WITH_CANARY])
    return found | {"canary": read_manifests(canary)}


@pytest.fixture(scope="session")
def sound(parsed: dict[str, Manifests]) -> dict[str, Manifests]:
    """The same, with a nightly job in each."""
    return {name: Manifests(one.objects + NIGHTLY, local=one.local) for name, one in parsed.items()}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlays_are_clean(overlay: str, parsed: dict[str, Manifests]) -> None:
    assert check(parsed[overlay]) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_job_that_is_made_up_is_clean(overlay: str, sound: dict[str, Manifests]) -> None:
    assert check(sound[overlay]) == []


def test_a_canary_without_a_release_lacks_nothing_but_that(parsed: dict[str, Manifests]) -> None:
    assert {finding.code for finding in check(parsed["canary"])} == {"placeholders"}


@needs_cloud
@pytest.mark.parametrize("defect", [pytest.param(one, id=one["what"]) for one in OURS])
def test_a_planted_defect_is_found(sound: dict[str, Manifests], defect: Node) -> None:
    before = sound[defect["overlay"]]
    broken = Manifests(planted(before.objects, defect), local=before.local)
    output = set(check(broken)) - set(check(before))
    assert any(one.code == defect["code"] and defect["message"] in str(one) for one in output), (
        output
    )


def planted(objects: tuple[Node, ...], defect: Node) -> tuple[Node, ...]:
    copied = copy.deepcopy(list(objects))
    kind, _, name = defect["in"].partition("/")
    found = next(one for one in copied if one["kind"] == kind and _named(one, name))
    if defect.get("repeat"):
        copied.append(found)
    elif defect.get("remove") == "":
        copied.remove(found)
    else:
        _change(found, defect)
    return tuple(copied)


def _named(one: Node, name: str) -> bool:
    """Whether an object has a name; those of generated ConfigMaps end in a hash."""
    full = str(one["metadata"]["name"])
    return full == name or (one["kind"] == "ConfigMap" and full.rpartition("-")[0] == name)


def _change(one: Node, defect: Node) -> None:
    path = str(defect.get("set") or defect["remove"])
    *parents, last = (part.replace("~", "/") for part in path.split("/"))
    node: Any = one
    for part in parents:
        node = node[int(part) if part.isdigit() else part]
    key: Any = int(last) if last.isdigit() else last
    if "remove" in defect:
        del node[key]
    elif key == "+":
        node.append(defect["to"])
    else:
        node[key] = defect["to"]
