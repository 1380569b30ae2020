"""A policy scanner over the rendered overlays, less what we accept with a reason."""

import json
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from manifests.combinations import example_release
from manifests.errors import ManifestsError
from manifests.objects import ManifestFinding
from manifests.render import KUBERNETES, OVERLAYS, render

__all__ = ["scan"]

_TIMEOUT_S = 300
_FINDINGS = 1


def scan(
    checkov: Path, accepted: Path = KUBERNETES / "scan-accepted.toml"
) -> list[ManifestFinding]:
    """Run checkov on every overlay with an example release.

    Args:
        checkov: The program.
        accepted: What is accepted, each with its reason.

    Raises:
        ManifestsError: The scanner did not work, or looked at nothing.
    """
    reasons = _reasons(accepted)
    with tempfile.TemporaryDirectory(prefix="manifests-") as folder:
        for overlay in OVERLAYS:
            text = render(overlay, example_release(overlay))
            (Path(folder) / f"{overlay}.yaml").write_text(text, encoding="utf-8")
        report = _run(checkov, Path(folder))
    found = sorted(set(_findings(report)))
    stale = reasons.keys() - {one.code for one in found}
    unexpected = [one for one in found if one.code not in reasons]
    return unexpected + [
        ManifestFinding(accepted.name, check, "is accepted and not found any more: remove it")
        for check in sorted(stale)
    ]


def _reasons(accepted: Path) -> dict[str, str]:
    entries = tomllib.loads(accepted.read_text(encoding="utf-8"))["accepted"]
    for entry in entries:
        if not entry.get("reason", "").strip():
            raise ManifestsError(f"{accepted}: {entry.get('check')} is accepted without a reason")
    return {entry["check"]: entry["reason"] for entry in entries}


def _run(checkov: Path, folder: Path) -> dict[str, Any]:
    command = [str(checkov), "--skip-download", "--quiet", "--compact", "--framework", "kubernetes"]
    done = subprocess.run(  # noqa: S603 - the scanner of tools/requirements-scan.txt
        [*command, "--directory", str(folder), "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
        env=os.environ | {"LOG_LEVEL": "ERROR"},
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = None
    if done.returncode not in (0, _FINDINGS) or not isinstance(report, dict):
        raise ManifestsError(f"The scanner failed: {done.stderr.strip() or done.stdout[:500]}")
    summary = report.get("summary", {})
    if not summary.get("passed") or summary.get("parsing_errors"):
        raise ManifestsError(f"The scanner looked at nothing, or not at everything: {summary}")
    return report


def _findings(report: dict[str, Any]) -> Iterator[ManifestFinding]:
    for failed in report["results"]["failed_checks"]:
        where = f"{Path(failed['file_path']).stem}: {failed['resource']}"
        yield ManifestFinding(where, failed["check_id"], failed["check_name"])
