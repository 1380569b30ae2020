"""Options of several commands."""

from typing import Annotated

import typer

__all__ = ["LogAddress"]

LogAddress = Annotated[
    str, typer.Option("--log", help="Folder of the prediction log: a path, s3://... or gs://...")
]
