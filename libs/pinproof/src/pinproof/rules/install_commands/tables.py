"""The tables about installers, which are data: their commands, and the options of their help."""

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pinproof.python310 import tomllib

OPTIONS = Path(__file__).with_name("installer_options.json")
"""The options of each installer, which `tests/installer_help.py` writes."""


@cache
def installers() -> dict[str, Any]:
    """The table of the installers."""
    return tomllib.loads(Path(__file__).with_name("installers.toml").read_text(encoding="utf-8"))


@cache
def options() -> dict[str, Any]:
    """The table of the options."""
    table: dict[str, Any] = json.loads(OPTIONS.read_text(encoding="utf-8"))
    return table


@cache
def names(key: str) -> str:
    """The regular expression of a list of names."""
    return "|".join(installers()["names"][key])


@lru_cache(maxsize=4096)
def is_name(key: str, text: str) -> bool:
    """Whether a text is one of a list of names."""
    return re.fullmatch(names(key), text) is not None
