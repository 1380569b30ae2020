"""`pinproof outdated`."""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from pinproof.audit.http_client import Client
from pinproof.audit.outdated import PinStatus
from pinproof.audit.outdated import outdated as compare_pins
from pinproof.commands.options import (
    INDEX_URL,
    TARGET,
    IndexUrl,
    Target,
    open_index,
    show_progress,
)
from pinproof.repository.pins import Pins, read_pins


def command(
    target: Target = TARGET,
    index_url: IndexUrl = INDEX_URL,
    every: Annotated[
        bool, typer.Option("--all", help="Also list the pins without newer releases.")
    ] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="Output format.")
    ] = "text",
) -> None:
    """Show the newest release that each pin admits, and the newest that it excludes.

    Considers stable releases that are not yanked and that every Python in pins.toml can install.
    A release inside a pin is installed the next time; one outside needs a change of the pin.

    For example:

    * `pinproof outdated`

    * `pinproof outdated requirements-prod.txt --all`

    Exit status: 0 no pin excludes a newer release; 1 a pin does; 2 the pins cannot be read, the
    index does not answer for each of them, or a pin admits no release.
    """
    pins = read_pins(target)
    statuses = compare_pins(pins, open_index(index_url, Client()), show_progress)
    if output == "json":
        typer.echo(_json(statuses, pins))
    else:
        typer.echo(
            _table([one for one in statuses if every or one.outside or one.patched]), nl=False
        )
    typer.echo(_summary(statuses, pins), err=True)
    if any(status.outside for status in statuses):
        raise typer.Exit(1)


def _json(statuses: Sequence[PinStatus], pins: Pins) -> str:
    document = {
        "format": 1,
        "pins": [
            {
                "distribution": status.name,
                "specifier": status.specifier,
                "inside": str(status.inside),
                "outside": str(status.outside) if status.outside else None,
                "places": status.places,
            }
            for status in statuses
        ],
        "direct": pins.direct,
    }
    return json.dumps(document, indent=2)


def _table(statuses: Sequence[PinStatus]) -> str:
    if not statuses:
        return ""
    rows = [("pin", "inside", "outside", "location")]
    rows += [
        (
            f"{status.name}{status.specifier}",
            str(status.inside),
            str(status.outside or "-"),
            ", ".join(status.places),
        )
        for status in statuses
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, [*widths, 0], strict=True)) + "\n"
        for row in rows
    )


def _summary(statuses: Sequence[PinStatus], pins: Pins) -> str:
    count = len(statuses)
    outside = sum(status.outside is not None for status in statuses)
    patched = sum(status.patched for status in statuses)
    direct = f"; not checked: {', '.join(pins.direct)}" if pins.direct else ""
    return (
        f"{count} pin{'' if count == 1 else 's'}: "
        f"{_verb(outside, 'excludes', 'exclude')} a newer release, "
        f"{_verb(patched, 'admits', 'admit')} one{direct}."
    )


def _verb(number: int, one: str, many: str) -> str:
    return f"{number or 'none'} {one if number < 2 else many}"  # noqa: PLR2004 - grammar
