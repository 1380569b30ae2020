"""`modelseal open`."""

import json

import typer

from modelseal.commands.shared_options import Format, ModelFolder, Sha256, Signers, split_signers
from modelseal.errors import SealedModelError
from modelseal.opening import OpenedModel, open_sealed

__all__ = ["command"]


def command(
    model: ModelFolder,
    sha256: Sha256 = None,
    signer: Signers = None,
    output: Format = "text",
) -> None:
    """Verify a sealed model, load it and check its predictions, as its service does.

    The order is: signature, manifest, digests, Python and guarded distributions, loading, golden
    predictions. Nothing is unpickled before the checks that precede loading have passed.

    A digest or a key protects only if it does not come with the model: take the digest from the
    output of `push` or of the training, and the key from its owner. Without either, a model that
    somebody else wrote can run any code when it is loaded.

    For example:

    * `modelseal open models/orders`

    * `modelseal open models/orders --sha256 3b5d...`

    * `modelseal open models/orders --signer ed25519:mWkN...`

    Exit status: 0 if the model opens; 1 if it is refused; 2 if a signer is not a public key, or the
    folder cannot be searched. Standard error has the reason and its code.
    """
    signers = split_signers(signer)
    try:
        opened = open_sealed(model, expected_sha256=sha256, signers=signers)
    except SealedModelError as refusal:
        if output == "json":
            result = {"opens": False, "code": refusal.code, "message": str(refusal)}
            typer.echo(json.dumps(result, indent=2))
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
    golden = len(manifest.golden.inputs)
    width = max(map(len, opened.running), default=0)
    lines = [
        f"{manifest.name} {manifest.version} opens: {golden} golden predictions are unchanged.",
        f"sealed {manifest.created:%Y-%m-%d %H:%M} UTC, sha256 {opened.sha256}",
    ]
    for name, running in sorted(opened.running.items()):
        written = manifest.guarded[name]
        note = "" if running == written else f"  (written by {written})"
        lines.append(f"  {name:{width}}  {running}{note}")
    return "\n".join(lines)
