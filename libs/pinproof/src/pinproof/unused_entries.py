"""Finds entries of `pins.toml` that have no effect."""

import os
from collections.abc import Collection, Iterator

from pinproof.repository.policy import POLICY_FILE
from pinproof.repository.reader import Repository
from pinproof.violations import Violation


def unused_entries(repository: Repository, found: Collection[Violation]) -> Iterator[str]:
    """Yield a line for each exception that covers no violation, and each path that is missing.

    Args:
        repository: The repository.
        found: Its violations, those with an exception included.
    """
    policy = repository.policy
    for exception in policy.exceptions:
        if not any(exception.covers(one.code, one.distribution, one.path) for one in found):
            about = " of ".join(filter(None, (exception.rule, exception.distribution)))
            place = f" in {exception.path}" if exception.path else ""
            yield f"{POLICY_FILE}: the exception to {about}{place} covers nothing: remove it"
    for path in policy.exclude:
        if not os.path.lexists(repository.root / path):
            yield f"{POLICY_FILE}: policy.exclude names {path}, which does not exist: remove it"
    for exclusion in policy.exclusions:
        if exclusion.path and not os.path.lexists(repository.root / exclusion.path):
            yield (
                f"{POLICY_FILE}: the exclusion of {exclusion.distribution} is for "
                f"{exclusion.path}, which does not exist: remove it"
            )
