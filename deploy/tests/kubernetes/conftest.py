from collections.abc import Callable
from typing import Any

import pytest
from manifests.combinations import example_release, with_shadows
from manifests.objects import Manifests, read_manifests
from manifests.render import OVERLAYS, render

from kubernetes.asked import ask_service


@pytest.fixture(scope="session")
def rendered(kubectl: str) -> dict[str, str]:
    """The text of each overlay, with an example release in it."""
    assert kubectl
    return {overlay: render(overlay, example_release(overlay)) for overlay in OVERLAYS}


@pytest.fixture(scope="session")
def shadowed(kubectl: str) -> dict[str, Manifests]:
    """The objects of each overlay, with a challenger for each model that may have one."""
    assert kubectl
    return {
        overlay: read_manifests(
            render(overlay, with_shadows(example_release(overlay))), local=overlay == "local"
        )
        for overlay in OVERLAYS
    }


@pytest.fixture(scope="session")
def overlays(rendered: dict[str, str]) -> dict[str, Manifests]:
    return {
        overlay: read_manifests(text, local=overlay == "local")
        for overlay, text in rendered.items()
    }


@pytest.fixture(scope="session")
def ask(overlays: dict[str, Manifests]) -> Callable[[str, str], dict[str, Any]]:
    """Asks a service about itself, with the settings that an overlay gives it."""
    known: dict[tuple[str, str], dict[str, Any]] = {}

    def asked(overlay: str, service: str) -> dict[str, Any]:
        if (overlay, service) not in known:
            known[overlay, service] = ask_service(overlays[overlay], service)
        return known[overlay, service]

    return asked
