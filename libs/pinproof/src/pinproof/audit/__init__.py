"""Which advisories speak of what the pins admit, and what it takes to get a fixed release."""

from pinproof.audit.audit import Audit, audit
from pinproof.audit.audit_finding import AuditFinding, Blocker
from pinproof.audit.impact import ImpactKind

__all__ = ["Audit", "AuditFinding", "Blocker", "ImpactKind", "audit"]
