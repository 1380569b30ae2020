import pytest
from manifests.combinations import specimen
from manifests.render import OVERLAYS, render


@pytest.fixture(scope="session")
def rendered(kubectl: str) -> dict[str, str]:
    """The text of each overlay, with a specimen release in it."""
    assert kubectl
    return {overlay: render(overlay, specimen(overlay)) for overlay in OVERLAYS}
