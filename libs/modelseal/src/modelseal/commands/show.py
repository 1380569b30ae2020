"""`modelseal show`."""

import json
from collections.abc import Mapping

import typer

from modelseal.commands.shared_options import Format, ModelFolder
from modelseal.manifest import Manifest, read_manifest
from modelseal.signature import SIGNATURE_NAME, Signature, parse_signature, read_signature

__all__ = ["command"]


def command(model: ModelFolder, output: Format = "text") -> None:
    """Show the manifest of a sealed model, without verifying or loading its files.

    `modelseal open` verifies them.

    For example:

    * `modelseal show models/orders`

    * `modelseal show models/orders --format json`

    Exit status: 0 if the manifest is shown; 1 if the folder has no valid manifest; 2 if the folder
    cannot be searched.
    """
    manifest, sha256 = read_manifest(model)
    raw = read_signature(model)
    signature = (
        None
        if raw is None
        else parse_signature(raw, manifest_sha256=sha256, where=str(model / SIGNATURE_NAME))
    )
    if output == "json":
        document = manifest.model_dump(mode="json") | {
            "sha256": sha256,
            "signer": signature and signature.signer,
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo(_text(manifest, sha256, signature))


def _text(manifest: Manifest, sha256: str, signature: Signature | None) -> str:
    size = sum(file.size for file in manifest.files.values())
    golden = manifest.golden
    rows = {
        "sealed": f"{manifest.created:%Y-%m-%d %H:%M} UTC",
        "commit": manifest.git_commit or "unknown",
        "sha256": sha256,
        "signer": signature.signer if signature else "none",
        "loader": manifest.loader,
        "files": f"{', '.join(manifest.files)} ({size:,} bytes)",
        "golden": f"{len(golden.inputs)} inputs, outputs {', '.join(golden.outputs)}",
        "python": manifest.python,
        "metrics": _pairs(manifest.metrics),
        "guarded": _pairs(manifest.guarded),
    }
    lines = [f"{name + ':':9} {value}" for name, value in rows.items()]
    return "\n".join([f"{manifest.name} {manifest.version}", *lines])


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "none"
