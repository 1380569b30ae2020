"""The command line. Each command is a module of `modelwatch.commands`."""

from modelseal.command_group import CommandGroup
from modelseal.lazy_commands import lazy_app

__all__ = ["app"]

app = lazy_app(
    "modelwatch",
    package="modelwatch.commands",
    commands=("truth", "report", "challenge", "publish-decision", "track", "track-champion"),
    help="Join predictions with the truth, report drift and performance, compare and record "
    "models.",
    group=CommandGroup,
)
