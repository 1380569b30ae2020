"""The rules: one module for each, with the function ``check``."""

from manifests.objects import ManifestFinding, Manifests
from manifests.rules import (
    availability,
    hardening,
    network,
    placeholders,
    ports,
    references,
    schema,
    selectors,
)

__all__ = ["check"]

_RULES = (
    availability,
    hardening,
    network,
    ports,
    references,
    schema,
    selectors,
    placeholders,
)


def check(manifests: Manifests) -> list[ManifestFinding]:
    """Check all rules; the findings are sorted."""
    return sorted(
        {
            ManifestFinding(where, rule.__name__.rpartition(".")[2], message)
            for rule in _RULES
            for where, message in rule.check(manifests)
        }
    )
