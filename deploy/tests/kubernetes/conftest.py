import pytest
from manifests.combinations import example_release
from manifests.render import OVERLAYS, render


@pytest.fixture(scope="session")
def rendered(kubectl: str) -> dict[str, str]:
    """The text of each overlay, with an example release in it."""
    assert kubectl
    return {overlay: render(overlay, example_release(overlay)) for overlay in OVERLAYS}
