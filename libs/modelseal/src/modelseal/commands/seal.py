"""`modelseal seal`."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from modelseal.errors import SealError
from modelseal.golden import GoldenSet
from modelseal.manifest import manifest_digest
from modelseal.path_kinds import kind_of
from modelseal.records import first_error
from modelseal.sealing import seal

__all__ = ["command"]


def command(  # noqa: PLR0917 - typer makes options of them, nobody passes them by position
    files: Annotated[list[Path], typer.Argument(help="Files of the model.")],
    out: Annotated[Path, typer.Option(help="Folder to write the sealed model to.")],
    loader: Annotated[
        str, typer.Option(help="Name of the loader in the entry point group modelseal.loaders.")
    ],
    golden: Annotated[
        Path,
        typer.Option(help="JSON file with golden inputs, outputs and tolerances."),
    ],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    version: Annotated[str, typer.Option(help="Version of the model.")],
) -> None:
    """Seal the files of a model that another program trained.

    A service that trains its model calls `modelseal.seal` instead, which also records its data and
    metrics. This command is for a model that exists already, such as one from a public source. It
    prints the digest for the setting MODEL_SHA256 of a deployment. Do not deliver the digest
    together with the model.

    The golden file has the answers of the model in the environment that trained it:

        {"inputs": [1.0], "outputs": {"score": [3.0]}, "tolerances": {"score": {"absolute": 1e-9}}}

    For example:

    * `modelseal seal model.onnx --out models/toy --loader toy --golden golden.json --name toy --version 1.0.0`

    Exit status: 0 if the model was sealed; 2 if it cannot be sealed. Standard error has the reason.
    """  # noqa: E501 - one command on one line can be copied
    names = [path.name for path in files]
    if len(set(names)) < len(names):
        raise SealError(
            f"Several files have the same name: {', '.join(sorted(names))}.",
            remedy="Give each file of the model its own name.",
        )
    for path in (golden, *files):
        kind_of(path)
    try:
        golden_set = GoldenSet.model_validate_json(golden.read_bytes())
        contents = {path.name: path.read_bytes() for path in files}
    except ValidationError as error:
        raise SealError(
            f"{golden} is not a golden set: {first_error(error)}.",
            remedy="Write it as in `modelseal seal --help`.",
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
        golden=golden_set,
        data={},
        metrics={},
        parameters={},
    )
    typer.echo(f"Sealed {name} {version} into {out}.", err=True)
    typer.echo(f"MODEL_SHA256={manifest_digest(manifest)}")
