"""Run deptry on one project: it must declare what it imports, and import what it declares.

The pins below the marker line of requirements-prod.txt are kept by ``pinproof sync`` for transitive
imports, so deptry must not expect imports of them. Run by ``make check-imports``.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

MARKER = "# Transitive pins"


def main() -> None:
    """Check the project that the command line names."""
    project = Path(sys.argv[1])
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    ignores: dict[str, list[str]] = settings["tool"]["deptry"].get("per_rule_ignores", {})
    requirements = (project / "requirements-prod.txt").read_text(encoding="utf-8")
    kept = requirements.partition(MARKER)[2].splitlines()[1:]
    ignores.setdefault("DEP002", []).extend(line.partition("~=")[0] for line in kept)
    rules = ",".join(f"{rule}={'|'.join(names)}" for rule, names in ignores.items() if names)
    # deptry reads the contents of packages from its own path.
    (packages,) = (project / ".venv" / "lib").glob("python3*/site-packages")
    process = subprocess.run(  # noqa: S603 - a tool of this repository
        [
            Path(sys.executable).with_name("deptry").absolute(),
            "src",
            *(("--per-rule-ignores", rules) if rules else ()),
        ],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(packages.absolute())},
        check=False,
    )
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
