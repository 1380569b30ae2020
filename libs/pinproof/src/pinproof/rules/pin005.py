"""Development includes production, and repeats nothing of it.

Forbidden, in every service of `pins.toml`: one of the two files is missing, or requirements-dev.txt
lacks `-r requirements-prod.txt`, itself and in the files that it includes.
Forbidden in every folder: a distribution is in requirements-dev.txt and in a file that it includes,
for the same environment, even with the same pin.

Why: tests run with what development installs. They are valid for production only if development
includes all of production. A pin in two places will eventually be changed in one.

Instead: begin requirements-dev.txt with `-r requirements-prod.txt` and list only what production
does not.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from pinproof.repository.pin_index import PinIndex
from pinproof.repository.policy import DEV, POLICY_FILE, PROD
from pinproof.repository.reader import Repository
from pinproof.violations import Violation

CODE = "PIN005"


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every disagreement between the files of a folder."""
    services = {PurePosixPath(service) for service in repository.policy.services}
    folders = {PurePosixPath(path).parent for path in repository.files if _is_dev(path)}
    for folder in sorted(folders | services):
        prod, dev = str(folder / PROD), str(folder / DEV)
        base = repository.reachable(dev) - {dev} if dev in repository.files else set[str]()
        if folder in services:
            absent = [path for path in (prod, dev) if path not in repository.files]
            for path in absent:
                place = (prod if path == dev else dev) if len(absent) == 1 else POLICY_FILE
                yield Violation(place, 1, CODE, f"{path} is missing: add it")
            if not absent and prod not in base:
                message = f"development does not include production: begin with -r {PROD}"
                yield Violation(dev, 1, CODE, message)
                base.add(prod)
        if base:
            yield from _repeated(repository, base, dev)


def _is_dev(path: str) -> bool:
    return PurePosixPath(path).name == DEV


def _repeated(repository: Repository, base: Collection[str], dev: str) -> Iterator[Violation]:
    lines = [line for path in sorted(base) for line in repository.files.get(path, ())]
    production = {line.name: PinIndex(repository.policy) for line in lines}
    for line in lines:
        production[line.name].add(line)
    for line in repository.files.get(dev, ()):
        other = production[line.name].find(line) if line.name in production else None
        if other and line.requirement and other.requirement:
            agree = line.requirement.specifier == other.requirement.specifier
            where = os.path.relpath(other.path, PurePosixPath(dev).parent)
            message = (
                f"{line.name} is also in {where}, on line {other.number}"
                f"{'' if agree else ' and with another pin'}: remove it here"
            )
            yield Violation(dev, line.number, CODE, message, line.name)
