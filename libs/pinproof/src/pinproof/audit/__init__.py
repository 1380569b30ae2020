"""Which advisories speak of what the pins admit, and what it takes to get a fixed release."""

from pinproof.audit.audit import Audit, audit
from pinproof.audit.finding import Blocker, Finding
from pinproof.audit.verdict import Kind

__all__ = ["Audit", "Blocker", "Finding", "Kind", "audit"]
