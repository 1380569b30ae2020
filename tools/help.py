"""Lists the targets of the Makefile in groups: ``make help``.

A target is listed if ``## Text`` follows its prerequisites. It belongs to the group of the last
line ``##@ group`` above it in its file; FIRST of the Makefile names those that are shown first.
"""

import re
import signal
import sys
from pathlib import Path
from typing import Final, NamedTuple

GROUPS: Final = {
    "use": "Use",
    "own": "Make it yours",
    "test": "Test and check",
    "measure": "Measure",
    "pins": "Pins",
    "ship": "Ship",
}
_GROUP: Final = re.compile(r"##@ (\w+)")
_DOCUMENTED: Final = re.compile(r"([^\t#].*?)\s*## (.+)")
_REFERENCE: Final = re.compile(r"\$\([^)]*\)")


class Target(NamedTuple):
    """A documented target."""

    name: str
    group: str
    text: str


def targets(text: str) -> list[Target]:
    """The documented targets of one Makefile."""
    found, group = [], ""
    for line in text.splitlines():
        if marker := _GROUP.fullmatch(line):
            group = marker[1]
        elif documented := _DOCUMENTED.fullmatch(line):
            # A static pattern rule has a list of targets before the pattern that people type.
            parts = _REFERENCE.sub("", documented[1]).split(":")
            names = parts[1] if len(parts) > 2 else parts[0]  # noqa: PLR2004 - LIST: PATTERN: NEEDS
            found += [Target(n.replace("%", "NAME"), group, documented[2]) for n in names.split()]
    return found


def main(first: str, services: str, libraries: str, *makefiles: str) -> None:
    """Print the list."""
    # `make help | head` ends quietly.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    found = [one for file in makefiles for one in targets(Path(file).read_text("utf-8"))]
    names = first.split()
    top = sorted((one for one in found if one.name in names), key=lambda one: names.index(one.name))
    lines = ["Usage: make TARGET [PYTHON=python3.12]", "", "First", *map(_line, top)]
    for group, title in GROUPS.items():
        rest = sorted(one for one in found if one.group == group and one not in top)
        if rest:
            lines += ["", title, *map(_line, rest)]
    lines += ["", f"NAME is a service ({services}) or, for test-NAME, a library ({libraries})."]
    sys.stdout.write("\n".join(lines) + "\n")


def _line(target: Target) -> str:
    return f"  {target.name:<22} {target.text}"


if __name__ == "__main__":
    main(*sys.argv[1:])
