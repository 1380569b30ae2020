"""What is known of vulnerable releases, from OSV or from PyPI."""

from pinproof.advisories.osv import OsvSource
from pinproof.advisories.pypi import PypiSource
from pinproof.advisories.record import Advisory
from pinproof.advisories.source import CANARY, AdvisoryError, Source

__all__ = ["CANARY", "SOURCES", "Advisory", "AdvisoryError", "OsvSource", "PypiSource", "Source"]

SOURCES: dict[str, type[OsvSource] | type[PypiSource]] = {"osv": OsvSource, "pypi": PypiSource}
"""The sources, by the names that the command line gives them."""
