"""The overlays for clouds: a repository may have several, one or none."""

import pytest
from manifests.render import CLOUDS, OVERLAYS

OVERLAY = OVERLAYS[0]
"""An overlay for a cloud, if there is one."""

needs_cloud = pytest.mark.skipif(not CLOUDS, reason="there is no overlay for a cloud")
