"""`pinproof outdated`."""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from pinproof.audit.http_client import Client
from pinproof.audit.outdated import Standing
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

__all__ = ["command"]


def command(
    target: Target = TARGET,
    index_url: IndexUrl = INDEX_URL,
    every: Annotated[
        bool, typer.Option("--all", help="List the pins with nothing newer too.")
    ] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.")
    ] = "text",
) -> None:
    """Tell the newest release inside each pin, and the newest that the pin keeps out.

    Counted are releases that are stable, not yanked, and that every Python in pins.toml can
    install. What is inside a pin arrives with the next installation; what is outside it arrives
    only when somebody changes the pin.

    For example:

    * `pinproof outdated`

    * `pinproof outdated requirements-prod.txt --all`

    Exit status: 0 no pin keeps a newer release out, 1 some pin does, 2 the pins cannot be read,
    the index does not answer for each of them, or one admits no release.
    """
    pins = read_pins(target)
    standings = compare_pins(pins, open_index(index_url, Client()), show_progress)
    if output == "json":
        typer.echo(_json(standings, pins))
    else:
        typer.echo(
            _table([one for one in standings if every or one.outside or one.patched]), nl=False
        )
    typer.echo(_summary(standings, pins), err=True)
    if any(standing.outside for standing in standings):
        raise typer.Exit(1)


def _json(standings: Sequence[Standing], pins: Pins) -> str:
    document = {
        "format": 1,
        "pins": [
            {
                "distribution": standing.name,
                "specifier": standing.specifier,
                "inside": str(standing.inside),
                "outside": str(standing.outside) if standing.outside else None,
                "places": list(standing.places),
            }
            for standing in standings
        ],
        "direct": list(pins.direct),
    }
    return json.dumps(document, indent=2)


def _table(standings: Sequence[Standing]) -> str:
    if not standings:
        return ""
    rows = [("pin", "inside", "outside", "stands in")]
    rows += [
        (
            f"{standing.name}{standing.specifier}",
            str(standing.inside),
            str(standing.outside or "-"),
            ", ".join(standing.places),
        )
        for standing in standings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, [*widths, 0], strict=True)) + "\n"
        for row in rows
    )


def _summary(standings: Sequence[Standing], pins: Pins) -> str:
    count = len(standings)
    outside = sum(standing.outside is not None for standing in standings)
    patched = sum(standing.patched for standing in standings)
    direct = f"; not looked at: {', '.join(pins.direct)}" if pins.direct else ""
    return (
        f"{count} pin{'' if count == 1 else 's'}: "
        f"{_verb(outside, 'keeps', 'keep')} a newer release out, "
        f"{_verb(patched, 'has', 'have')} a newer one inside{direct}."
    )


def _verb(number: int, one: str, many: str) -> str:
    return f"{number or 'none'} {one if number < 2 else many}"  # noqa: PLR2004 - grammar
