"""How a report is written: each format is a module, and `REPORTERS` lists them."""

from collections.abc import Mapping

from pinproof.reporters.base import Reporter
from pinproof.reporters.github import GithubReporter
from pinproof.reporters.json import JsonReporter
from pinproof.reporters.sarif import SarifReporter
from pinproof.reporters.text import TextReporter

__all__ = ["REPORTERS", "Reporter"]

REPORTERS: Mapping[str, Reporter] = {
    "text": TextReporter(),
    "json": JsonReporter(),
    "github": GithubReporter(),
    "sarif": SarifReporter(),
}
