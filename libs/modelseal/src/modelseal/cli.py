"""The command line. Each command is a module of `modelseal.commands`."""

from modelseal.command_group import CommandGroup
from modelseal.lazy_commands import lazy_app

__all__ = ["app"]

app = lazy_app(
    "modelseal",
    package="modelseal.commands",
    commands=("seal", "open", "show", "sign", "push", "fetch"),
    help="Seal models, sign and deliver them, and open only those whose predictions are unchanged.",
    group=CommandGroup,
)
