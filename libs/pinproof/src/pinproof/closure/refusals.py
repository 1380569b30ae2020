"""What sync refuses before it resolves anything."""

from collections.abc import Collection
from pathlib import Path

from pinproof.closure.pinfile import PinFile
from pinproof.errors import PinproofError
from pinproof.repository.reader import Repository
from pinproof.repository.requirements import LineKind


class SyncError(PinproofError):
    """The pins of the repository cannot be resolved, because files are missing or invalid."""


def refuse_unusable(repository: Repository) -> None:
    """Refuse requirements files that are missing or contain something else than pins.

    Raises:
        SyncError: There are some.
    """
    needed: set[str] = set()
    faults = []
    for service in repository.policy.services:
        for path in repository.layers(service):
            if path in repository.files:
                needed |= repository.reachable(path)
            else:
                faults.append(f"{path} is missing")
    # A record that cannot be read is replaced.
    faults += [
        f"{fault.path}:{fault.line}: {fault.message}"
        for fault in repository.unusable
        if fault.path in needed
    ]
    faults += [
        f"{path}:{line.number}: {line.excerpt!r} is not a pin"
        for path in sorted(needed)
        for line in repository.files[path]
        if line.kind in (LineKind.INVALID, LineKind.DIRECT)
    ]
    if faults:
        raise SyncError("\n".join(faults) + ".", remedy="`pinproof check` explains what to write.")


def refuse_hashes(repository: Repository) -> None:
    """Refuse files with hashes.

    Raises:
        SyncError: There are some.
    """
    faults = [
        f"{path}:{line.number}: {option.name} makes pip refuse every requirement that has no hash "
        "or no ==, and sync writes ranges without hashes"
        for path in _pin_files(repository)
        for line in repository.files[path]
        for option in line.options
        if option.name in {"--hash", "--require-hashes"}
    ]
    if faults:
        raise SyncError(
            "\n".join(faults) + ".",
            remedy="Remove the hashes, or keep them in a lock file that is made from these pins.",
        )


def refuse_unknown_upgrades(repository: Repository, names: Collection[str]) -> None:
    """Refuse to upgrade a distribution that is not a transitive pin of a service.

    Raises:
        SyncError: A name is not that of a transitive pin.
    """
    direct: set[str] = set()
    transitive: set[str] = set()
    for path in _pin_files(repository):
        first = PinFile.parse(read_text(repository.root / path) or "").first
        for line in repository.files[path]:
            if line.name is not None:
                (transitive if line.number >= first else direct).add(line.name)
    faults = [
        f"{name} is a direct pin, which sync does not change: change its line"
        if name in direct
        else f"no service has a transitive pin of {name}"
        for name in sorted(set(names) - transitive)
    ]
    if faults:
        known = ", ".join(sorted(transitive)) or "none"
        raise SyncError(
            f"--upgrade: {'; '.join(faults)}.",
            remedy=f"Name one of the transitive pins: {known}.",
        )


def read_text(path: Path) -> str | None:
    """The text of a file; None if it does not exist.

    Raises:
        SyncError: It is not in UTF-8.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise SyncError(f"{path} is not in UTF-8.", remedy="Save it in that encoding.") from error


def _pin_files(repository: Repository) -> list[str]:
    """The requirements files of the services, with those that they include."""
    needed: set[str] = set()
    for service in repository.policy.services:
        for path in repository.layers(service):
            needed |= repository.reachable(path)
    return sorted(needed)
