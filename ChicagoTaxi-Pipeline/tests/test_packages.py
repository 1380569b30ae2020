"""Imports between packages go one way: up the table of the README."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "chicagotaxi"
# `__main__` is below every row; the package itself is empty.
BELOW = {"__init__", "__main__"}


def rows() -> list[set[str]]:
    """The packages and modules of each row of the README's table, from its top."""
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Packages")[2]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return [set(re.findall(r"`(\w+)(?:\.py|/)`", cell)) for cell in cells]


def imported(file: Path) -> set[str]:
    """The packages and top-level modules of the service that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
    return {name.split(".")[1] for name in names if name.startswith("chicagotaxi.")}


def test_the_table_has_every_package_and_module() -> None:
    modules = {path.stem for path in SOURCE.glob("*.py")}
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert set().union(*rows()) == (modules | packages) - BELOW


def test_packages_import_from_rows_above_their_own_only() -> None:
    level = {name: number for number, row in enumerate(rows()) for name in row}
    for file in SOURCE.rglob("*.py"):
        room = file.relative_to(SOURCE).parts[0].removesuffix(".py")
        if room in BELOW:
            continue
        wrong = {name for name in imported(file) - {room} if level[name] >= level[room]}
        assert not wrong, f"{file} imports {', '.join(sorted(wrong))}"
