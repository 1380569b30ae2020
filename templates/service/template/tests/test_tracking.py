"""Trainings that cannot be recorded are not lost."""

from pathlib import Path

from modelwatch.testing import TrackingConformance


class TestTracking(TrackingConformance):
    service = Path(__file__).resolve().parents[1]
