"""Tools for the tests of services: live services, raw connections, load, and conformance suites.

They need pytest and httpx2, which only development environments have.
"""

import pytest

# Before they are imported, so that a failed assertion shows its values.
pytest.register_assert_rewrite(
    *(
        f"servicekit.testing.{name}"
        for name in (
            "commands",
            "load",
            "package_copy",
            "raw_requests",
            "services",
            "spark",
            "spark_run",
        )
    )
)

from servicekit.launch import NotListeningError, wait_until  # noqa: E402
from servicekit.testing.live_service import LiveService, RawConnection  # noqa: E402
from servicekit.testing.package_copy import PackageCopy, ask  # noqa: E402

__all__ = ["LiveService", "NotListeningError", "PackageCopy", "RawConnection", "ask", "wait_until"]
