import os
import shutil

import pytest
from manifests.combinations import specimen
from manifests.render import OVERLAYS, render


@pytest.fixture(scope="session")
def kubectl() -> str:
    found = shutil.which(os.environ.get("KUBECTL", "kubectl"))
    if found is None:
        assert "CI" not in os.environ, "continuous integration needs kubectl"
        pytest.skip("there is no kubectl, which builds the manifests")
    return found


@pytest.fixture(scope="session")
def rendered(kubectl: str) -> dict[str, str]:
    """The text of each overlay, with a specimen release in it."""
    assert kubectl
    return {overlay: render(overlay, specimen(overlay)) for overlay in OVERLAYS}
