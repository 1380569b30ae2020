"""Command groups that import a command when it runs, so that `--help` is fast."""

import ast
import inspect
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

__all__ = ["LazyCommands", "lazy_app"]


class LazyCommands(TyperGroup):
    """A group whose commands are the functions named `command` of a package's modules.

    The list of commands shows the first paragraph of each function's docstring, which is read from
    the source without importing the module.

    Attributes:
        package: Package of the modules.
        names: Names of the commands, in the order of the list. The module of `cross-validate` is
            `cross_validate`.
    """

    package: ClassVar[str]
    names: ClassVar[Sequence[str]]

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - typer's own settings
        super().__init__(**settings)
        for name in self.names:
            self.add_command(TyperCommand(name, help=_docstring(self._module(name))))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer hides the types
        """Find the requested command, and import it."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and self._load(name or ""), rest

    def _module(self, name: str) -> str:
        return f"{self.package}.{name.replace('-', '_')}"

    def _load(self, name: str) -> Any:  # noqa: ANN401
        single = typer.Typer(add_completion=False, rich_markup_mode=self.rich_markup_mode)
        single.command(name)(import_module(self._module(name)).command)
        return get_command(single)


def lazy_app(
    name: str,
    *,
    package: str,
    commands: Sequence[str],
    help: str,  # noqa: A002 - typer's word
    group: type[LazyCommands] = LazyCommands,
) -> typer.Typer:
    """Create the command line of a package with one module for each command.

    Args:
        name: Name of the program.
        package: Package of the modules, each with a function named `command`.
        commands: Names of the commands, in the order of the help.
        help: Description of the program in Markdown.
        group: Class of the group, for example one that handles errors.
    """
    subclass = type(group.__name__, (group,), {"package": package, "names": commands})
    app = typer.Typer(
        cls=subclass,
        name=name,
        help=help,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    app.callback()(_no_options)
    return app


def _no_options() -> None:
    """Declare that the group has no options."""


def _docstring(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
    tree = ast.parse(Path(spec.origin).read_bytes())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "command":
            return inspect.cleandoc(ast.get_docstring(node) or "")
    raise AttributeError(f"{module} has no function named command")
