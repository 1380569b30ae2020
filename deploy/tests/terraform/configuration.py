"""The infrastructure as it is written: modules, what each declares, and what each refers to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parents[3]
TERRAFORM = ROOT / "deploy/terraform"
CLOUDS = sorted(path.parent.name for path in TERRAFORM.glob("*/versions.tf"))


@dataclass(frozen=True)
class Module:
    """One folder of ``.tf`` files."""

    path: Path

    @cached_property
    def blocks(self) -> dict[str, list[dict[str, Any]]]:
        """Every block of every file, by its kind."""
        found: dict[str, list[dict[str, Any]]] = {}
        for path in sorted(self.path.glob("*.tf")):
            for kind, blocks in parse(path.read_text(encoding="utf-8")).items():
                found.setdefault(kind, []).extend(blocks)
        return found

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """The blocks of a kind that have one label, such as ``variable``, by it."""
        return {
            text(name): body for block in self.blocks.get(kind, []) for name, body in block.items()
        }

    def refers_to(self, pattern: str) -> set[Any]:
        """What a pattern finds in the expressions of this module."""
        strings = leaves(self.blocks)
        return {match for string in strings for match in re.findall(pattern, string)}


def modules(cloud: str, terraform: Path = TERRAFORM) -> list[Module]:
    """The root module of a cloud, and the modules below it."""
    folders = [terraform / cloud, *sorted((terraform / cloud / "modules").iterdir())]
    return [Module(folder) for folder in folders]


@cache
def parse(written: str) -> dict[str, list[dict[str, Any]]]:
    """One file, read once however many tests look at it: the parser takes its time."""
    parsed: dict[str, list[dict[str, Any]]] = hcl2.loads(written)
    return parsed


def leaves(value: object) -> Iterator[str]:
    """Every string in what was parsed, keys included: expressions are strings here."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != "__comments__":
                yield from leaves(key)
                yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)


def provider(cloud: str) -> str:
    """The name of the one provider of a cloud."""
    (settings,) = Module(TERRAFORM / cloud).blocks["terraform"]
    (providers,) = settings["required_providers"]
    (name,) = (name for name in providers if not name.startswith("__"))
    return str(name)


def text(string: object) -> str:
    """A literal without the quotes that the parser leaves on it."""
    return str(string).strip('"')
