"""`modelseal open`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from modelseal.commands.options import Signers, split_signers
from modelseal.errors import SealedModelError
from modelseal.opening import OpenedModel, open_sealed
from modelseal.path_errors import check_model

__all__ = ["command"]


def command(
    model: Annotated[Path, typer.Argument(help="The folder of a sealed model.")],
    sha256: Annotated[
        str | None, typer.Option(help="The SHA-256 that its manifest.json must have.")
    ] = None,
    signer: Signers = None,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.")
    ] = "text",
) -> None:
    """Verify, load and prove a sealed model in this environment, as its service would.

    The order: the signature, the manifest, the digests, Python and every guarded distribution, then
    loading, then the golden predictions. Nothing is unpickled before all but the last two hold.

    A digest or a key protects only if it comes another way than the model: the digest as `push` or
    the training printed it, the key from its owner. Without either, what a model's pickle does when
    it is loaded is up to the writer of the folder.

    For example:

    * `modelseal open models/bankchurn`

    * `modelseal open models/bankchurn --sha256 3b5d...`

    * `modelseal open models/bankchurn --signer ed25519:mWkN...`

    Exit status: 0 it opens, 1 it is refused (the reason, with its code, on standard error), 2 a
    signer is no public key, or the folder cannot be searched.
    """
    signers = split_signers(signer)
    check_model(model)
    try:
        opened = open_sealed(model, expected_sha256=sha256, signers=signers)
    except SealedModelError as refusal:
        if output == "json":
            verdict = {"opens": False, "code": refusal.code, "message": str(refusal)}
            typer.echo(json.dumps(verdict, indent=2))
        raise
    typer.echo(_json(opened) if output == "json" else _text(opened))


def _json(opened: OpenedModel) -> str:
    manifest = opened.manifest
    return json.dumps(
        {
            "opens": True,
            "name": manifest.name,
            "version": manifest.version,
            "sha256": opened.sha256,
            "created": manifest.created.isoformat(),
            "git_commit": manifest.git_commit,
            "written_by": manifest.guarded,
            "running": dict(opened.running),
        },
        indent=2,
    )


def _text(opened: OpenedModel) -> str:
    manifest = opened.manifest
    proven = f"{len(manifest.golden.inputs)} golden inputs answered as when it was sealed"
    width = max(map(len, opened.running), default=0)
    lines = [
        f"{manifest.name} {manifest.version} opens: {proven}.",
        f"sealed {manifest.created:%Y-%m-%d %H:%M} UTC, sha256 {opened.sha256}",
    ]
    for name, running in sorted(opened.running.items()):
        written = manifest.guarded[name]
        note = "" if running == written else f"  (written by {written})"
        lines.append(f"  {name:{width}}  {running}{note}")
    return "\n".join(lines)
