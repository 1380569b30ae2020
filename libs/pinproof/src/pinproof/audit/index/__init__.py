"""Asks an index of Python distributions which releases there are and what each asks for."""

from pinproof.audit.index.index import DEFAULT_INDEX, Index, NoMetadataError
from pinproof.audit.index.project import File, Project

__all__ = ["DEFAULT_INDEX", "File", "Index", "NoMetadataError", "Project"]
