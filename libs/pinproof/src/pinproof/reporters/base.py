"""What every reporter does."""

from abc import ABC, abstractmethod

from pinproof.violations import Report

__all__ = ["Reporter"]


class Reporter(ABC):
    """Writes a report in one format."""

    @abstractmethod
    def render(self, report: Report) -> str:
        """Write the report, ending with a line feed, or nothing where the format says nothing."""
