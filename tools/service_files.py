"""Reads the service files: a folder of the root that has a ``service.toml`` is a service.

Has no dependencies, so that every script of the repository can use it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

__all__ = ["FILE", "Service", "ServiceFileError", "read_service", "services"]

FILE: Final = "service.toml"
Table = Mapping[str, Any]

# The type of each field of a file; a table is described by its own dictionary.
_FIELDS: Final[Table] = {
    "package": str,
    "port": int,
    "answers": str,
    "demo": {"train": list, "prepare": list, "settings": dict, "requests": list},
    "proof": {"first_party": list, "prepare": list, "train": list, "metrics": dict},
    "image": {"packages": list, "megabytes": int},
    "measurements": {"servers": dict, "jobs": dict},
    # Read by `modelwatch challenge`, which checks its fields.
    "challenge": dict,
    # Read by tools/loop, which checks its fields.
    "loop": dict,
    # Read by the pin checker.
    "exceptions": list,
    "exclusions": list,
}
_REQUIRED: Final = ("package", "port", "answers", "demo", "demo.requests")
_REQUEST: Final = ("title", "method", "path", "show")
# Options, versions, and packages of Python are refused.
_DEBIAN_PACKAGE: Final = re.compile(r"(?!python|pypy|pip)[a-z0-9][a-z0-9+.-]+")
_NAMES: Final = {str: "a text", int: "a number", list: "a list", dict: "a table"}


class ServiceFileError(Exception):
    """A service file is wrong; the message names the file, the field and the remedy."""


@dataclass(frozen=True)
class Service:
    """A service, as its service.toml describes it. A table that is missing there is empty.

    Attributes:
        folder: Its folder.
        package: Its import package, and its name in clusters, metrics and addresses.
        port: The TCP port that it listens on.
        answers: One line about its answers, for tables.
        demo: Its demonstration: train, prepare, settings, requests.
        proof: How its pins are proven, and how it is trained on a small sample: first_party,
            prepare, train, metrics.
        image: What its image needs: packages, megabytes.
        measurements: What is measured besides its demonstration: servers, jobs.
        loop: Its traffic in ``make loop``.
    """

    folder: Path
    package: str
    port: int
    answers: str
    demo: Table
    proof: Table
    image: Table
    measurements: Table
    loop: Table

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def image_name(self) -> str:
        """The name of its image: that of its folder in lower case."""
        return self.folder.name.lower()

    @property
    def watch_image_name(self) -> str:
        """The name of the image of its reports, which has the packages of reports, too."""
        return f"{self.image_name}-watch"


def services(root: Path) -> list[Service]:
    """The services of a repository, sorted by the names of their folders.

    Raises:
        ServiceFileError: A file is wrong, or two services have the same package or port.
    """
    found = [read_service(file.parent) for file in sorted(root.glob(f"*/{FILE}"))]
    for field in ("package", "port"):
        owners: dict[object, Service] = {}
        for one in found:
            other = owners.setdefault(getattr(one, field), one)
            if other is not one:
                value = getattr(one, field)
                raise ServiceFileError(
                    f"{one.name}/{FILE}: {field} is {value!r}, as in {other.name}/{FILE};"
                    " choose another one"
                )
    return found


def read_service(folder: Path) -> Service:
    """The service of a folder.

    Raises:
        ServiceFileError: The file cannot be read, is not TOML, or has a field that is missing,
            unknown or of the wrong type.
    """
    file = folder / FILE
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ServiceFileError(f"{file} cannot be read: {error}") from error
    for name in _REQUIRED:
        if _at(content, name) is None:
            raise ServiceFileError(f"{file}: {name} is missing; add it")
    _check(file, "", content, _FIELDS)
    for number, request in enumerate(content["demo"]["requests"]):
        for field in _REQUEST:
            if not isinstance(request, dict) or field not in request:
                raise ServiceFileError(f"{file}: demo.requests.{number}.{field} is missing; add it")
    for package in content.get("image", {}).get("packages", []):
        if not isinstance(package, str) or not _DEBIAN_PACKAGE.fullmatch(package):
            raise ServiceFileError(
                f"{file}: image.packages has {package!r}; name Debian packages other than Python's,"
                " whose versions requirements files pin"
            )
    return Service(
        folder=folder,
        **{field.name: content.get(field.name, {}) for field in fields(Service)[1:]},
    )


def _at(table: object, name: str) -> object:
    for part in name.split("."):
        table = table.get(part) if isinstance(table, dict) else None
    return table


def _check(file: Path, prefix: str, table: Table, known_fields: Table) -> None:
    for name, value in table.items():
        field, wanted = f"{prefix}{name}", known_fields.get(name)
        if wanted is None:
            known = ", ".join(f"{prefix}{one}" for one in known_fields)
            raise ServiceFileError(f"{file}: {field} is unknown; known fields: {known}")
        kind = dict if isinstance(wanted, dict) else wanted
        # In Python, a truth value is a number.
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ServiceFileError(f"{file}: {field} is {value!r}, which is not {_NAMES[kind]}")
        if isinstance(wanted, dict):
            _check(file, f"{field}.", value, wanted)
