"""Compares the metrics of two sealed models."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelseal.manifest import read_manifest

from pinproof.errors import PinproofError


class UnknownMetricError(PinproofError):
    """`pins.toml` compares a metric that no model has."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of two models.

    Attributes:
        name: The name in the manifests.
        before: The value of the first model; None if its manifest has none.
        after: The value of the second model.
        band: The largest change that is allowed.
    """

    name: str
    before: float | None
    after: float | None
    band: float

    @property
    def within_band(self) -> bool:
        """Whether the change is within the band."""
        if self.before is None or self.after is None:
            return False
        return abs(self.after - self.before) <= self.band

    def __str__(self) -> str:
        """Both values and the band."""
        before, after = (
            "none" if value is None else f"{value:.4f}" for value in (self.before, self.after)
        )
        return f"{self.name} {before} -> {after} (±{self.band:g})"


def compare_metrics(before: Path, after: Path, bands: Mapping[str, float]) -> tuple[Metric, ...]:
    """Compare the metrics that have a band.

    Raises:
        UnknownMetricError: Neither model has one of them.
    """
    old, new = read_manifest(before)[0].metrics, read_manifest(after)[0].metrics
    known = sorted(old.keys() | new.keys())
    if unknown := sorted(bands.keys() - set(known)):
        raise UnknownMetricError(
            f"The metrics of the proof name {', '.join(unknown)}, which no model has.",
            remedy=f"Correct the spelling; the models have {', '.join(known) or 'no metric'}.",
        )
    return tuple(Metric(name, old.get(name), new.get(name), band) for name, band in bands.items())
