"""The options that several commands share, and their progress display."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pinproof.audit.http_client import Client
from pinproof.audit.index import Index, IndexSet
from pinproof.audit.index.configuration import configured_indexes

Target = Annotated[Path, typer.Argument(help="Root of a repository, or a requirements file.")]
TARGET = Path()

IndexUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--index-url",
        help="Address of a package index. Can be repeated: the first that has a distribution "
        "counts. Default: the indexes that uv or pip is configured for, or PyPI.",
        envvar="PINPROOF_INDEX_URL",
    ),
]


def open_indexes(given: Sequence[str] | None, target: Path) -> IndexSet:
    """The given indexes, or those that uv or pip is configured for in the folder of the target."""
    folder = target if target.is_dir() else target.parent
    settings = configured_indexes(given or (), folder)
    for url in settings.unread:
        typer.echo(f"The index {url} is not read, because it is not on an HTTP server.", err=True)
    client = Client()
    return IndexSet([Index(url, client) for url in settings.urls], merged=settings.merged)


def show_progress(what: str, done: int, total: int) -> None:
    """Rewrite one line of a terminal. Prints nothing to files and logs."""
    if sys.stderr.isatty():
        text = "" if done == total else f"{what}: {done} of {total}"
        typer.echo(f"\r{text:<40}\r{text}", err=True, nl=False)
