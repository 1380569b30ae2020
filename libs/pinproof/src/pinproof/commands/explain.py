"""`pinproof explain`."""

from typing import Annotated

import typer

from pinproof.errors import PinproofError
from pinproof.rules import RULES, documentation, summary


class UnknownRuleError(PinproofError):
    """There is no rule with this code."""


def command(
    code: Annotated[str | None, typer.Argument(help="Code of a rule, such as PIN001.")] = None,
) -> None:
    """Explain what a rule forbids, why, and what to write instead.

    Lists all rules if no code is given.
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
