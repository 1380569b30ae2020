"""What the load balancer of EKS asks of the services, and its one Ingress for all of them."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from manifests.combinations import example_release
from manifests.objects import Manifests
from manifests.render import render

from kubernetes.asked import FOLDERS
from kubernetes.test_leave_out import SERVICES, several


def test_idle_connections_outlive_the_load_balancer(
    ask: Callable[[str, str], dict[str, Any]], overlays: dict[str, Manifests]
) -> None:
    ingress = overlays["eks"].find("Ingress", "ml-services")
    assert ingress is not None
    attributes = ingress["metadata"]["annotations"][
        "alb.ingress.kubernetes.io/load-balancer-attributes"
    ]
    assert "idle_timeout.timeout_seconds=60" in attributes
    for service in FOLDERS:
        assert ask("eks", service)["keep_alive_s"] > 60


@several
@pytest.mark.parametrize("name", SERVICES)
def test_what_is_not_left_out_stays_as_it_was(rendered: dict[str, str], name: str) -> None:
    whole = {
        (one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(rendered["eks"])
    }
    text = render("eks", example_release("eks", name))
    rest = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}

    package = SERVICES[name].package
    gone = {one for _, one in whole.keys() - rest.keys()}
    assert all(f"{one}-".startswith(f"{package}-") for one in gone)
    changed = {key for key, one in rest.items() if one != whole[key]}
    assert changed == {("Ingress", "ml-services")}
    hosts = [rule["host"] for rule in rest["Ingress", "ml-services"]["spec"]["rules"]]
    others = [one.package for one in SERVICES.values() if one.name != name]
    assert hosts == [f"{other}.ml.sample.test" for other in others]
