"""Development includes production, and repeats nothing of it.

Forbidden, in every folder that has a requirements-dev.txt and in every service of `pins.toml`: one
of the two files is missing, requirements-dev.txt lacks `-r requirements-prod.txt`, and a
distribution is in both for the same environment, even with the same pin.

Why: tests run with what development installs. They are valid for production only if development
includes all of production. A pin in two places will eventually be changed in one.

Instead: begin requirements-dev.txt with `-r requirements-prod.txt` and list only what production
does not.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from pinproof.repository.pin_index import PinIndex
from pinproof.repository.policy import DEV, POLICY_FILE, PROD
from pinproof.repository.reader import Repository
from pinproof.violations import Violation

CODE = "PIN005"


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every disagreement between the two files of a folder."""
    folders = {PurePosixPath(path).parent for path in repository.files if _is_dev(path)}
    folders |= {PurePosixPath(service) for service in repository.policy.services}
    for folder in sorted(folders):
        prod, dev = str(folder / PROD), str(folder / DEV)
        absent = [path for path in (prod, dev) if path not in repository.files]
        for path in absent:
            place = (prod if path == dev else dev) if len(absent) == 1 else POLICY_FILE
            yield Violation(place, 1, CODE, f"{path} is missing: add it")
        if absent:
            continue
        if prod not in repository.includes[dev]:
            message = f"development does not include production: begin with -r {PROD}"
            yield Violation(dev, 1, CODE, message)
        yield from _repeated(repository, prod, dev)


def _is_dev(path: str) -> bool:
    return PurePosixPath(path).name == DEV


def _repeated(repository: Repository, prod: str, dev: str) -> Iterator[Violation]:
    production = {line.name: PinIndex(repository.policy) for line in repository.files[prod]}
    for line in repository.files[prod]:
        production[line.name].add(line)
    for line in repository.files[dev]:
        other = production[line.name].find(line) if line.name in production else None
        if other and line.requirement and other.requirement:
            agree = line.requirement.specifier == other.requirement.specifier
            message = (
                f"{line.name} is also in {PROD}, on line {other.number}"
                f"{'' if agree else ' and with another pin'}: remove it here"
            )
            yield Violation(dev, line.number, CODE, message, line.name)
