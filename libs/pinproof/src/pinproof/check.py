"""Applies every rule to every file, except for what the policy allows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path

from pinproof.errors import PinproofError
from pinproof.repository.policy import POLICY_FILE, PinException, Policy, PolicyError
from pinproof.repository.reader import load_repository
from pinproof.rules import RULES
from pinproof.unused_entries import unused_entries
from pinproof.violations import Report, Violation


class RootError(PinproofError):
    """The root is not a folder."""


class NothingReadError(PinproofError):
    """No file of the repository could be read."""


def check(root: Path, *, today: date | None = None) -> Report:
    """Check a repository.

    Args:
        root: The root folder of the repository, with `pins.toml` if there is one.
        today: The date that exceptions are compared with. Default: the current one, in UTC.

    Returns:
        Every violation, sorted.

    Raises:
        RootError: `root` is not a folder.
        NothingReadError: There is no file to read.
        PolicyError: `pins.toml` cannot be used.
    """
    if not root.is_dir():
        raise RootError(f"{root} is not a folder.", remedy="Name the root of a repository.")
    repository = load_repository(root)
    _refuse_unknown_rules(repository.policy)
    found = [violation for rule in RULES for violation in rule.check(repository)]
    allowed = _apply(
        repository.policy.exceptions, found, today or datetime.now(tz=timezone.utc).date()
    )
    if not repository.read and not repository.unusable:
        raise NothingReadError(
            f"{root} contains no file with requirements or commands that could be read"
            + "".join(f"; not read: {name} ({n})" for name, n in repository.unread.items())
            + ".",
            remedy="Name the root of a repository; the README of pinproof lists what is read.",
        )
    return Report(
        violations=tuple(sorted({*repository.unusable, *allowed}, key=_order)),
        read=repository.read,
        unread=repository.unread,
        skipped=repository.skipped,
        unusable=bool(repository.unusable),
        unused=tuple(unused_entries(repository, found)),
    )


def _order(violation: Violation) -> tuple[str, int, str, str]:
    return violation.path, violation.line, violation.code, violation.message


def _refuse_unknown_rules(policy: Policy) -> None:
    known = [rule.CODE for rule in RULES]
    for exception in policy.exceptions:
        if exception.rule not in known:
            raise PolicyError(
                f"There is no rule {exception.rule}; an exception names it ({exception.reason}).",
                remedy=f"Write one of {', '.join(known)}.",
            )


def _apply(
    exceptions: Iterable[PinException], violations: Iterable[Violation], today: date
) -> Iterator[Violation]:
    """Yield violations without an exception, and those whose exceptions have expired."""
    for violation in violations:
        covering = [
            exception
            for exception in exceptions
            if exception.covers(violation.code, violation.distribution, violation.path)
        ]
        if not covering:
            yield violation
        elif all(exception.expires < today for exception in covering):
            latest = max(covering, key=lambda exception: exception.expires)
            expired = f"{POLICY_FILE} allowed it until {latest.expires} ({latest.reason})"
            yield replace(violation, message=f"{violation.message}; {expired}")
