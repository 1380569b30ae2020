"""Several package indexes, asked as pip or uv ask them."""

from collections.abc import Sequence
from typing import Protocol

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pinproof.audit.http_client import NotFoundError
from pinproof.audit.index.index import Index, NoMetadataError
from pinproof.audit.index.project import Project


class PackageIndex(Protocol):
    """One index, or several."""

    def project(self, name: str) -> Project:
        """The files of a project.

        Raises:
            WebError: The index gives no usable answer, or does not have the project.
        """

    def requirements(self, name: str, version: Version) -> tuple[Requirement, ...]:
        """The requirements of a release, under every extra and marker.

        Raises:
            NoMetadataError: The index does not have them.
            WebError: The index gives no usable answer.
        """


class IndexSet:
    """Several indexes. The first has priority.

    Args:
        indexes: The indexes.
        merged: Whether the releases of all indexes count, as for pip. Otherwise only those of the
            first index that has the distribution count, as for uv.
    """

    def __init__(self, indexes: Sequence[Index], *, merged: bool = False) -> None:
        self._indexes = indexes
        self._merged = merged
        self._found: dict[str, list[tuple[Index, Project]]] = {}
        self._projects: dict[str, Project] = {}

    def project(self, name: str) -> Project:
        """The files of a project in the indexes that count.

        Raises:
            WebError: An index gives no usable answer, or none has the project.
        """
        name = canonicalize_name(name)
        if name not in self._projects:
            self._found[name] = self._ask(name)
            files = (file for _, found in self._found[name] for file in found.files)
            self._projects[name] = Project(name, tuple(files))
        return self._projects[name]

    def requirements(self, name: str, version: Version) -> tuple[Requirement, ...]:
        """The requirements of a release, from the first index that has them.

        Raises:
            NoMetadataError: No index has them.
            WebError: An index gives no usable answer.
        """
        self.project(name)
        missing: NoMetadataError | None = None
        for index, project in self._found[canonicalize_name(name)]:
            if project.of(version):
                try:
                    return index.requirements(name, version)
                except NoMetadataError as error:
                    missing = missing or error
        if missing is not None:
            raise missing
        raise NoMetadataError(
            f"No index has {name} {version}.", remedy="Name another index with --index-url."
        )

    def _ask(self, name: str) -> list[tuple[Index, Project]]:
        found = []
        absent: NotFoundError | None = None
        for index in self._indexes:
            try:
                found.append((index, index.project(name)))
            except NotFoundError as error:
                absent = error
                continue
            if not self._merged:
                break
        if found:
            return found
        if absent is not None and len(self._indexes) == 1:
            raise absent
        addresses = ", ".join(index.address for index in self._indexes)
        raise NotFoundError(
            f"{name} is in none of the indexes {addresses}.",
            remedy="Correct the name, or name another index with --index-url.",
        )
