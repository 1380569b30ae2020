"""Finds advisories that affect what the pins admit, and the changes that avoid them."""

from pinproof.audit.audit import Audit, audit
from pinproof.audit.audit_finding import AuditFinding, Blocker
from pinproof.audit.impact import ImpactKind

__all__ = ["Audit", "AuditFinding", "Blocker", "ImpactKind", "audit"]
