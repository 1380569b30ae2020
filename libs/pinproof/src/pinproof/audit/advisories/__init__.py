"""Advisories about vulnerable releases, from OSV or from PyPI."""

from pinproof.audit.advisories.osv import OsvSource
from pinproof.audit.advisories.pypi import PypiSource
from pinproof.audit.advisories.record import Advisory
from pinproof.audit.advisories.source import CANARY, AdvisoryError, Source

__all__ = ["CANARY", "SOURCES", "Advisory", "AdvisoryError", "OsvSource", "PypiSource", "Source"]

SOURCES: dict[str, type[OsvSource] | type[PypiSource]] = {"osv": OsvSource, "pypi": PypiSource}
"""The sources, by their names on the command line."""
