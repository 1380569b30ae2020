"""What several commands take, and how they show progress."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from pinproof.index import DEFAULT_INDEX, Index
from pinproof.web import Client

__all__ = [
    "INDEX_URL",
    "TARGET",
    "IndexUrl",
    "Signers",
    "Target",
    "open_index",
    "show_progress",
    "split_signers",
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

Signers = Annotated[
    list[str] | None,
    typer.Option(
        "--signer",
        envvar="MODEL_SIGNERS",
        help="A public key, ed25519:BASE64, that must have signed the model. Of several, given "
        "again or separated by commas, one must have.",
    ),
]


def split_signers(given: list[str] | None) -> list[str]:
    """The keys that were given as one option, as several, or in the environment.

    An option without a key is one key, which is refused: what was to be verified is not known.
    """
    # The variable's value has been split where it has spaces.
    return [key for text in given or () for key in re.split(r"[,\s]+", text.strip(", \t\n"))]


def open_index(url: str, client: Client) -> Index:
    """The index at an address, which may be named in uv's way: `name=https://…`."""
    name, equals, address = url.partition("=")
    return Index(address if equals and "/" not in name else url, client)


def show_progress(what: str, done: int, total: int) -> None:
    """Rewrite one line of a terminal; say nothing where a file or a log is written."""
    if sys.stderr.isatty():
        text = "" if done == total else f"{what}: {done} of {total}"
        typer.echo(f"\r{text:<40}\r{text}", err=True, nl=False)
