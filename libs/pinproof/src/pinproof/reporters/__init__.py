"""The output formats of a report. `REPORTERS` lists them; each is a module with `render`."""

from collections.abc import Callable, Mapping

from pinproof.reporters import github, json, sarif, text
from pinproof.violations import Report

__all__ = ["REPORTERS"]

REPORTERS: Mapping[str, Callable[[Report], str]] = {
    "text": text.render,
    "json": json.render,
    "github": github.render,
    "sarif": sarif.render,
}
"""Functions that return a report as text, ending with a line feed unless it is empty."""
