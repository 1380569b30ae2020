"""The checker runs on Python 3.10 to 3.14: its sources, on each of them that this machine has."""

import subprocess
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from pinproof.proof.interpreters import find_interpreters
from pinproof.python310 import tomllib

LIBS = Path(__file__).parents[2]
PROJECTS = [LIBS / "modelseal", LIBS / "pinproof"]
SUPPORTED = [f"3.{minor}" for minor in range(10, 15)]
PRESENT = find_interpreters(SUPPORTED)

# Parses each file, and looks up each name that it takes from the standard library.
LOOK_UP = """
import ast, importlib, sys
from pathlib import Path

for root in sys.argv[1:]:
    for path in sorted(Path(root).rglob("*.py")):
        tree = ast.parse(path.read_bytes(), str(path))
        if path.name == "python310.py":
            continue
        taken = set()
        modules = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                taken |= {(node.module, alias.name) for alias in node.names}
            elif isinstance(node, ast.Import):
                modules.update((alias.asname or alias.name, alias.name) for alias in node.names)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id in modules:
                    taken.add((modules[node.value.id], node.attr))
        for module, name in sorted(taken):
            if module.partition(".")[0] in sys.stdlib_module_names:
                if not hasattr(importlib.import_module(module), name):
                    print(f"{path.name}: {module}.{name}")
"""


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_every_supported_python_is_admitted(project: Path) -> None:
    document = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    admitted = SpecifierSet(document["project"]["requires-python"])

    assert [python for python in SUPPORTED if f"{python}.5" not in admitted] == []
    assert "3.9.20" not in admitted


@pytest.mark.parametrize("python", PRESENT)
def test_the_sources_need_nothing_that_a_python_lacks(python: str) -> None:
    sources = [str(project / "src") for project in PROJECTS]

    run = subprocess.run(
        [str(PRESENT[python]), "-I", "-c", LOOK_UP, *sources],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )

    assert (run.stdout, run.stderr, run.returncode) == ("", "", 0)
