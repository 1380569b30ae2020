"""Options of several commands."""

from typing import Annotated

import typer

__all__ = ["LogAddress"]

LogAddress = Annotated[
    str,
    typer.Option(
        "--log",
        help="Prediction log: a path, s3://..., gs://... or postgresql://...; the password of a "
        "database may be in PGPASSWORD.",
    ),
]
