"""Names of the files and folders of a decision."""

from typing import Final

__all__ = ["CHALLENGER", "DECISION", "PAGE", "PATCH", "REPORT"]

DECISION: Final = "decision.json"
PAGE: Final = "decision.html"
PATCH: Final = "promotion.patch"
CHALLENGER: Final = "challenger"
REPORT: Final = "training-report"
