"""Which advisories speak of what the pins admit, and what it takes to get a fixed release."""

from pinproof.audit.audit import Audit, audit
from pinproof.audit.finding import AuditFinding, Blocker
from pinproof.audit.impact import Kind

__all__ = ["Audit", "AuditFinding", "Blocker", "Kind", "audit"]
