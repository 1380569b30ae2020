"""Reads releases and their requirements from a package index, or from several."""

from pinproof.audit.index.configuration import DEFAULT_INDEX
from pinproof.audit.index.index import Index, NoMetadataError
from pinproof.audit.index.index_set import IndexSet, PackageIndex
from pinproof.audit.index.project import File, Project

__all__ = [
    "DEFAULT_INDEX",
    "File",
    "Index",
    "IndexSet",
    "NoMetadataError",
    "PackageIndex",
    "Project",
]
