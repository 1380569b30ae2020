"""Reads releases and their requirements from a package index."""

from pinproof.audit.index.index import DEFAULT_INDEX, Index, NoMetadataError
from pinproof.audit.index.project import File, Project

__all__ = ["DEFAULT_INDEX", "File", "Index", "NoMetadataError", "Project"]
