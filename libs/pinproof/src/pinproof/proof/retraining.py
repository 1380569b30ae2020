"""Compares a model with the one that was trained anew."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelseal.golden import GoldenSet
from modelseal.manifest import read_manifest

from pinproof.proof.comparison import Movement

__all__ = ["Metric", "compare_metrics", "golden_of", "largest_of"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of two models.

    Attributes:
        name: Its name in the manifests.
        before: Its value; None where the manifest has none.
        after: The other model's.
        band: How far it may move.
    """

    name: str
    before: float | None
    after: float | None
    band: float

    @property
    def held(self) -> bool:
        """Whether it is within its band."""
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
    """Compare the metrics that have a band."""
    old, new = read_manifest(before)[0].metrics, read_manifest(after)[0].metrics
    return tuple(Metric(name, old.get(name), new.get(name), band) for name, band in bands.items())


def golden_of(model: Path) -> GoldenSet:
    """The golden set of a sealed model."""
    return read_manifest(model)[0].golden


def largest_of(moved: Iterable[Movement]) -> float:
    """The largest difference over all outputs."""
    return max((movement.largest for movement in moved), default=0.0)
