"""The names that a service may have.

The folder's name is the service's: Credit-Risk. The image has it in lower case, credit-risk. The
import package, which is also the name in clusters, metrics and addresses, is its first word in
lower case: credit.
"""

import itertools
import keyword
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from service_files import Service

__all__ = ["check_name", "package_of", "unused_name"]

_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]*(-[A-Z][A-Za-z0-9]*)+", re.ASCII)
# Names in clusters have at most 63 characters; those of retraining's CronJobs 52.
_LONGEST: Final = 40
_LONGEST_PACKAGE: Final = 20
# Import names of distributions that are called otherwise.
_OTHER_IMPORTS: Final = frozenset({"attr", "dateutil", "google", "jwt", "sklearn", "yaml"})


def package_of(name: str) -> str:
    """The import package of a service: the first word of its name, in lower case."""
    return name.partition("-")[0].lower()


def unused_name(services: Iterable[Service]) -> str:
    """A name for an example, which no service has."""
    packages = {service.package for service in services}
    names = (f"Example{number}-Service" for number in itertools.count(1))
    return next(name for name in names if package_of(name) not in packages)


def check_name(name: str, root: Path, services: Iterable[Service]) -> str | None:
    """Why a service may not have a name.

    Args:
        name: The name.
        root: The root of the repository.
        services: The other services.

    Returns:
        A sentence, or None if the name is free and fits everywhere.
    """
    return next(_problems(name, root, services), None)


def _problems(name: str, root: Path, services: Iterable[Service]) -> Iterator[str]:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        yield (
            f"{name!r} is not a name of words that begin with a capital and are joined by hyphens,"
            f" such as Credit-Risk, of at most {_LONGEST} characters."
        )
    package = package_of(name)
    if len(package) > _LONGEST_PACKAGE:
        yield f"The package {package} would have more than {_LONGEST_PACKAGE} characters."
    if keyword.iskeyword(package) or package in sys.stdlib_module_names:
        yield f"The package {package} would hide a name of Python."
    for service in services:
        if package == service.package:
            yield f"{service.name} has the package {package}."
    if any(path.name.lower() == name.lower() for path in root.iterdir()):
        yield f"There is a folder {name} already."
    if package in _taken_imports(root):
        yield f"The package {package} would hide a library of this repository."


def _taken_imports(root: Path) -> frozenset[str]:
    """The import packages of the libraries here, and the distributions that anything pins."""
    own = (
        path.name
        for path in root.glob("*/src/*")
        if not (path.parents[1] / "service.toml").exists()
    )
    libraries = (path.name for path in root.glob("libs/*/src/*"))
    return frozenset({*own, *libraries, *_pinned(root), *_OTHER_IMPORTS})


def _pinned(root: Path) -> Iterator[str]:
    for pattern in ("*", "libs/*", "deploy/*"):
        for file in root.glob(f"{pattern}/requirements*.txt"):
            for line in file.read_text(encoding="utf-8").splitlines():
                if match := re.match(r"[A-Za-z0-9][\w.-]*", line):
                    yield match[0].lower().replace("-", "_")
