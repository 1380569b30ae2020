"""Tools for the tests of services that keep a prediction log and record their trainings.

They need pytest, which only development environments have.
"""

import pytest

# Before they are imported, so that a failed assertion shows its values.
pytest.register_assert_rewrite(
    "modelwatch.testing.conformance",
    "modelwatch.testing.shadow_conformance",
    "modelwatch.testing.tracking_conformance",
)

from modelwatch.testing.conformance import LogConformance, Start, log_of  # noqa: E402
from modelwatch.testing.dead_bucket import DEAD_BUCKET  # noqa: E402
from modelwatch.testing.shadow_conformance import ShadowConformance  # noqa: E402
from modelwatch.testing.tracking_conformance import TrackingConformance  # noqa: E402
from modelwatch.testing.written_log import WrittenLog  # noqa: E402

__all__ = [
    "DEAD_BUCKET",
    "LogConformance",
    "ShadowConformance",
    "Start",
    "TrackingConformance",
    "WrittenLog",
    "log_of",
]
