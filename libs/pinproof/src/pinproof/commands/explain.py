"""`pinproof explain`."""

from typing import Annotated

import typer

from pinproof.errors import PinproofError
from pinproof.rules import RULES, documentation, summary

__all__ = ["UnknownRuleError", "command"]


class UnknownRuleError(PinproofError):
    """No rule has this code."""


def command(
    code: Annotated[str | None, typer.Argument(help="A rule's code, like PIN001.")] = None,
) -> None:
    """Tell what a rule forbids, why, and what to write instead.

    Without a code, list all rules.
    """
    if code is None:
        for rule in RULES:
            typer.echo(f"{rule.CODE}  {summary(rule)}")
        return
    for rule in RULES:
        if code.upper() == rule.CODE:
            typer.echo(f"{rule.CODE}  {documentation(rule)}")
            return
    raise UnknownRuleError(
        f"There is no rule {code}.", remedy=f"Name one of {', '.join(r.CODE for r in RULES)}."
    )
