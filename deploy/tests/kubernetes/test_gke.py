"""What Google's load balancer asks of the services."""

from collections.abc import Callable
from typing import Any

import pytest
from manifests.objects import Manifests

from kubernetes.asked import FOLDERS

Ask = Callable[[str, str], dict[str, Any]]


@pytest.mark.parametrize("service", FOLDERS)
def test_the_health_check_asks_whether_the_service_is_ready(
    ask: Ask, overlays: dict[str, Manifests], service: str
) -> None:
    policy = overlays["gke"].find("HealthCheckPolicy", service)

    assert policy is not None
    assert policy["spec"]["default"]["config"]["httpHealthCheck"]["requestPath"] == "/ready"
    assert "/ready" in ask("gke", service)["routes"]


@pytest.mark.parametrize("service", FOLDERS)
def test_idle_connections_outlive_the_load_balancer(ask: Ask, service: str) -> None:
    # It keeps them for 600 s, which cannot be changed.
    assert ask("gke", service)["keep_alive_s"] > 600


@pytest.mark.parametrize("service", FOLDERS)
def test_the_service_gives_up_before_the_load_balancer_does(
    ask: Ask, overlays: dict[str, Manifests], service: str
) -> None:
    policy = overlays["gke"].find("GCPBackendPolicy", service)

    assert policy is not None
    timeout = policy["spec"]["default"]["timeoutSec"]
    assert timeout > ask("gke", service)["request_timeout_s"]
