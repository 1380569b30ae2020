"""`modelseal show` prints the manifest, and loads nothing."""

import json
from pathlib import Path

import pytest
from modelseal.cli import app
from modelseal.manifest import manifest_digest, read_manifest
from signers import Signer
from typer.testing import CliRunner


def test_the_manifest_is_shown_as_text(model: Path, marker: Path) -> None:
    shown = CliRunner().invoke(app, ["show", str(model)])

    manifest, sha256 = read_manifest(model)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines() == [
        "toy 1.0.0",
        f"sealed:   {manifest.created:%Y-%m-%d %H:%M} UTC",
        f"commit:   {manifest.git_commit or 'unknown'}",
        f"sha256:   {sha256}",
        "signer:   none",
        "loader:   toy",
        f"files:    model.pkl ({(model / 'model.pkl').stat().st_size} bytes)",
        "golden:   3 inputs, outputs score, label",
        f"python:   {manifest.python}",
        "metrics:  auc 0.75",
        "guarded:  guardedlib 1.2.3, innocent-used 3.1, toyservice 1.0.0",
    ]
    assert not marker.exists()


def test_the_json_output_is_the_manifest_with_its_digest_and_signer(model: Path) -> None:
    signer = Signer()
    key = signer.write(model.parent / "key.pem")
    assert CliRunner().invoke(app, ["sign", str(model), "--key", str(key)]).exit_code == 0

    shown = json.loads(CliRunner().invoke(app, ["show", str(model), "--format", "json"]).stdout)

    manifest, _ = read_manifest(model)
    assert shown.pop("sha256") == manifest_digest(manifest)
    assert shown.pop("signer") == signer.public
    assert shown == manifest.model_dump(mode="json")


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}'])
def test_a_folder_without_a_valid_manifest_is_refused_with_1(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)

    refused = CliRunner().invoke(app, ["show", str(tmp_path)])

    assert refused.exit_code == 1
    assert refused.stderr.startswith("Refused (manifest): ")
