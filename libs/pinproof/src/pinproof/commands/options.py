"""The options that several commands share, and their progress display."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pinproof.audit.http_client import Client
from pinproof.audit.index import DEFAULT_INDEX, Index

Target = Annotated[Path, typer.Argument(help="Root of a repository, or a requirements file.")]
TARGET = Path()

IndexUrl = Annotated[
    str,
    typer.Option(
        help="Address of the package index, as for pip and uv.",
        envvar=["PINPROOF_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"],
    ),
]
INDEX_URL = DEFAULT_INDEX


def open_index(url: str, client: Client) -> Index:
    """The index at an address, which may have a name as for uv: `name=https://…`."""
    name, equals, address = url.partition("=")
    return Index(address if equals and "/" not in name else url, client)


def show_progress(what: str, done: int, total: int) -> None:
    """Rewrite one line of a terminal. Prints nothing to files and logs."""
    if sys.stderr.isatty():
        text = "" if done == total else f"{what}: {done} of {total}"
        typer.echo(f"\r{text:<40}\r{text}", err=True, nl=False)
