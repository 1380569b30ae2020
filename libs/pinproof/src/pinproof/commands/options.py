"""What several commands take, and how they show progress."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pinproof.audit.http_client import Client
from pinproof.audit.index import DEFAULT_INDEX, Index

__all__ = [
    "INDEX_URL",
    "TARGET",
    "IndexUrl",
    "Target",
    "open_index",
    "show_progress",
]

Target = Annotated[Path, typer.Argument(help="The root of a repository, or one requirements file.")]
TARGET = Path()

IndexUrl = Annotated[
    str,
    typer.Option(
        help="The package index: the address that pip and uv take.",
        envvar=["PINPROOF_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"],
    ),
]
INDEX_URL = DEFAULT_INDEX


def open_index(url: str, client: Client) -> Index:
    """The index at an address, which may be named in uv's way: `name=https://…`."""
    name, equals, address = url.partition("=")
    return Index(address if equals and "/" not in name else url, client)


def show_progress(what: str, done: int, total: int) -> None:
    """Rewrite one line of a terminal; say nothing where a file or a log is written."""
    if sys.stderr.isatty():
        text = "" if done == total else f"{what}: {done} of {total}"
        typer.echo(f"\r{text:<40}\r{text}", err=True, nl=False)
