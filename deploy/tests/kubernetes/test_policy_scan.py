"""The policy scanner finds what our rules leave to it: planted defects whose code is a check's."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from clouds import OVERLAY, needs_cloud
from manifests.objects import Node, read_manifests
from manifests.render import OVERLAYS
from manifests.services import KUBERNETES
from policy_scan import failed_checks, unexpected

from kubernetes.test_rules import DEFECTS, OURS, planted

CHECKOV = KUBERNETES.parents[1] / ".tools/scan/bin/checkov"
THEIRS = [one for one in DEFECTS if one not in OURS]


@pytest.fixture(scope="module")
def found(
    rendered: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[str]]:
    """The failed checks of each overlay, and of each defect alone, by their names."""
    if not CHECKOV.exists():
        pytest.skip("there is no policy scanner: make .tools/scan/.installed")
    folder = tmp_path_factory.mktemp("scan")
    sound = read_manifests(rendered[OVERLAY]).objects
    for overlay, text in rendered.items():
        (folder / f"{overlay}.yaml").write_text(text, encoding="utf-8")
    for defect in THEIRS:
        assert defect["overlay"] == OVERLAY
        changed = [one for one in planted(sound, defect) if one not in sound]
        text = yaml.safe_dump_all(changed)
        (folder / f"{defect['what']}.yaml").write_text(text, encoding="utf-8")
    checks: dict[str, set[str]] = {}
    for one in failed_checks(CHECKOV, "kubernetes", folder):
        checks.setdefault(Path(one["file_path"]).stem, set()).add(one["check_id"])
    return checks


@needs_cloud
@pytest.mark.parametrize("defect", [pytest.param(one, id=one["what"]) for one in THEIRS])
def test_a_planted_defect_is_found(found: dict[str, set[str]], defect: Node) -> None:
    assert defect["code"] in found[defect["what"]] - found[OVERLAY]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlays_have_accepted_findings_only(found: dict[str, set[str]], overlay: str) -> None:
    text = (KUBERNETES / "scan-accepted.toml").read_text(encoding="utf-8")
    accepted = {entry["check"] for entry in tomllib.loads(text)["accepted"]}
    assert found[overlay] == accepted


FAILED: list[dict[str, Any]] = [
    {
        "check_id": "CKV_1",
        "check_name": "No limit",
        "file_path": "/local.yaml",
        "file_line_range": [3, 9],
        "resource": "Deployment.api",
    }
]


@pytest.mark.parametrize(
    ("accepted", "output"),
    [
        ([], ["local.yaml:3: CKV_1 No limit (Deployment.api)"]),
        ([{"check": "CKV_1", "reason": "It is meant."}], []),
        (
            [{"check": "CKV_1", "reason": " "}],
            ["accepted.toml: CKV_1 is accepted without a reason"],
        ),
        (
            [{"check": "CKV_1", "reason": "a"}, {"check": "CKV_2", "reason": "b"}],
            ["accepted.toml: CKV_2 is accepted but finds nothing: remove it"],
        ),
    ],
)
def test_findings_are_accepted_with_a_reason_while_they_are_found(
    accepted: list[dict[str, str]], output: list[str]
) -> None:
    assert unexpected(FAILED, accepted, "accepted.toml") == output


def test_a_scanner_that_checks_nothing_is_no_green_scan(tmp_path: Path) -> None:
    if not CHECKOV.exists():
        pytest.skip("there is no policy scanner: make .tools/scan/.installed")
    with pytest.raises(SystemExit, match="The scanner"):
        failed_checks(CHECKOV, "kubernetes", tmp_path)
