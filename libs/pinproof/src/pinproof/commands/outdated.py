"""`pinproof outdated`."""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from pinproof.audit.outdated import Outdated, PinStatus
from pinproof.audit.outdated import outdated as compare_pins
from pinproof.commands.options import (
    TARGET,
    IndexUrls,
    Target,
    open_indexes,
    show_progress,
)
from pinproof.repository.pins import Pins, read_pins


def command(
    target: Target = TARGET,
    index_url: IndexUrls = None,
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

    Exit status: 0 no pin excludes a newer release; 1 a pin does; 2 the pins cannot be read, an
    index does not answer for one of them, or a pin admits no release. The other pins are shown.
    """
    pins = read_pins(target)
    found = compare_pins(pins, open_indexes(index_url, target), show_progress)
    if output == "json":
        typer.echo(_json(found, pins))
    else:
        shown = [one for one in found.statuses if every or one.outside or one.patched]
        typer.echo(_table(shown), nl=False)
    for pin in found.unknown:
        places = ", ".join(pin.places)
        typer.echo(f"{places}: {pin.name}{pin.specifier} is unknown: {pin.reason}", err=True)
    for note in found.skips.notes:
        typer.echo(note, err=True)
    typer.echo(_summary(found, pins), err=True)
    if found.unknown:
        raise typer.Exit(2)
    if any(status.outside for status in found.statuses):
        raise typer.Exit(1)


def _json(found: Outdated, pins: Pins) -> str:
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
            for status in found.statuses
        ],
        "direct": pins.direct,
        "unknown": [
            {
                "distribution": pin.name,
                "specifier": pin.specifier,
                "reason": pin.reason,
                "places": pin.places,
            }
            for pin in found.unknown
        ],
        "skipped": [entry.distribution for entry in found.skips.active],
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


def _summary(found: Outdated, pins: Pins) -> str:
    statuses = found.statuses
    count = len(statuses)
    unknown = f"; {len(found.unknown)} unknown" if found.unknown else ""
    outside = sum(status.outside is not None for status in statuses)
    patched = sum(status.patched for status in statuses)
    direct = f"; not checked: {', '.join(pins.direct)}" if pins.direct else ""
    return (
        f"{count} pin{'' if count == 1 else 's'}: "
        f"{_verb(outside, 'excludes', 'exclude')} a newer release, "
        f"{_verb(patched, 'admits', 'admit')} one{unknown}{direct}."
    )


def _verb(number: int, one: str, many: str) -> str:
    return f"{number or 'none'} {one if number < 2 else many}"  # noqa: PLR2004 - grammar
