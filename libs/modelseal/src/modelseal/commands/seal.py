"""`modelseal seal`."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from modelseal.errors import SealError
from modelseal.golden import GoldenSet
from modelseal.manifest import manifest_digest
from modelseal.paths import kind_of
from modelseal.sealing import seal

__all__ = ["command"]


def command(  # noqa: PLR0917 - typer makes options of them, nobody passes them by position
    files: Annotated[list[Path], typer.Argument(help="The model's files.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    loader: Annotated[
        str, typer.Option(help="The loader's name in the entry point group modelseal.loaders.")
    ],
    golden: Annotated[
        Path, typer.Option(help="JSON with inputs, outputs and tolerances; see below.")
    ],
    name: Annotated[str, typer.Option(help="The model's name.")],
    version: Annotated[str, typer.Option(help="The model's version.")],
) -> None:
    """Seal files that another program trained.

    A service seals with `modelseal.seal` when it trains, and records its data and metrics, too.
    This is for a model that exists already, such as one fetched from elsewhere. The digest that it
    prints is what a deployment expects: it goes there by another way than the model.

    The golden file holds what the model answered where it was trained:

        {"inputs": [1.0], "outputs": {"score": [3.0]}, "tolerances": {"score": {"absolute": 1e-9}}}

    For example:

    * `modelseal seal model.onnx --out models/toy --loader toy --golden golden.json --name toy --version 1.0.0`

    Exit status: 0 sealed, 2 it cannot be sealed (the reason on standard error).
    """  # noqa: E501 - one command on one line can be copied
    names = [path.name for path in files]
    if len(set(names)) < len(names):
        raise SealError(
            f"Several files have one name: {', '.join(sorted(names))}.",
            remedy="Give each file of the model a name of its own.",
        )
    for path in (golden, *files):
        kind_of(path)
    try:
        expectation = GoldenSet.model_validate_json(golden.read_bytes())
        contents = {path.name: path.read_bytes() for path in files}
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise SealError(
            f"{golden} holds no golden set: {where}: {first['msg']}.",
            remedy="Write it as `modelseal seal --help` shows.",
        ) from error
    except OSError as error:
        raise SealError(
            f"{error.filename} cannot be read: {error.strerror}.", remedy="Give files that exist."
        ) from error
    manifest = seal(
        out,
        name=name,
        version=version,
        loader=loader,
        files=contents,
        golden=expectation,
        data={},
        metrics={},
        parameters={},
    )
    typer.echo(f"Sealed {name} {version} into {out}.", err=True)
    typer.echo(f"MODEL_SHA256={manifest_digest(manifest)}")
