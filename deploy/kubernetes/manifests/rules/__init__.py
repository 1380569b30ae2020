"""The rules. Each module is named after its code and has ``check``."""

from manifests.objects import Finding, Manifests
from manifests.rules import (
    availability,
    hardening,
    network,
    references,
    schema,
    selectors,
    stand_ins,
)

__all__ = ["check"]

_RULES = (availability, hardening, network, references, schema, selectors, stand_ins)


def check(manifests: Manifests) -> list[Finding]:
    """Everything that does not hold, sorted."""
    return sorted({finding for rule in _RULES for finding in rule.check(manifests)})
