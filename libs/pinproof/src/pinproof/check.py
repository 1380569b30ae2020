"""The check: every rule over every file, less what the policy allows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from pinproof.errors import PinproofError
from pinproof.repository.loading import load_repository
from pinproof.repository.policy import POLICY_FILE, PinException, Policy, PolicyError
from pinproof.rules import RULES
from pinproof.violations import Report, Violation

__all__ = ["RootError", "check"]


class RootError(PinproofError):
    """What should be checked is no folder."""


def check(root: Path, *, today: date | None = None) -> Report:
    """Check a repository.

    Args:
        root: Its root folder, where `pins.toml` lies if there is one.
        today: The day that exceptions are compared with; by default the current one, in UTC.

    Returns:
        Every violation, sorted.

    Raises:
        RootError: `root` is no folder.
        PolicyError: `pins.toml` cannot be used.
    """
    if not root.is_dir():
        raise RootError(f"{root} is no folder.", remedy="Name the root of a repository.")
    repository = load_repository(root)
    _refuse_unknown_rules(repository.policy)
    found = [violation for rule in RULES for violation in rule.check(repository)]
    allowed = _apply(repository.policy.exceptions, found, today or datetime.now(tz=UTC).date())
    return Report(
        violations=tuple(sorted({*repository.unusable, *allowed}, key=_order)),
        files=len(repository.files),
        unusable=bool(repository.unusable),
    )


def _order(violation: Violation) -> tuple[str, int, str, str]:
    return violation.path, violation.line, violation.code, violation.message


def _refuse_unknown_rules(policy: Policy) -> None:
    known = [rule.CODE for rule in RULES]
    for index, exception in enumerate(policy.exceptions):
        if exception.rule not in known:
            raise PolicyError(
                f"{POLICY_FILE}: exceptions.{index}.rule: there is no rule {exception.rule}.",
                remedy=f"Write one of {', '.join(known)}.",
            )


def _apply(
    exceptions: Iterable[PinException], violations: Iterable[Violation], today: date
) -> Iterator[Violation]:
    """Yield what no exception covers, and what only an expired one does, saying so."""
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
