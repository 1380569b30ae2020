"""The command line. A command is a module of `pinproof.commands`."""

from modelseal.command_group import CommandGroup
from modelseal.lazy_commands import lazy_app

app = lazy_app(
    "pinproof",
    package="pinproof.commands",
    commands=(
        *("check", "explain", "adopt", "sync", "exclusions", "verify"),
        *("outdated", "audit", "prove", "trial"),
    ),
    help="Check and audit pins, and prove that all versions they admit predict the same.",
    group=CommandGroup,
)
