"""Which services there are is said once: by the base of the manifests."""

import re
import shutil
from pathlib import Path

from manifests.render import KUBERNETES
from manifests.services import image_names, model_names


def test_services_come_from_the_base(tmp_path: Path) -> None:
    """So that one that leaves it leaves everything."""
    base = KUBERNETES / "base"
    assert sorted(model_names(base)) == ["bankchurn", "chicagotaxi", "nlpinsight"]
    assert sorted(image_names(base)) == [
        "bankchurn-predictor", "chicagotaxi-pipeline", "nlpinsight-analyzer",
    ]  # fmt: skip
    shutil.copytree(base, tmp_path / "base")
    whole = tmp_path / "base/kustomization.yaml"
    text = whole.read_text(encoding="utf-8")
    whole.write_text(
        text.replace("  - chicagotaxi\n", "").replace("  - chicagotaxi-pipeline\n", ""), "utf-8"
    )
    assert sorted(model_names(tmp_path / "base")) == ["bankchurn", "nlpinsight"]
    assert "chicagotaxi-pipeline" not in image_names(tmp_path / "base")


def test_no_service_is_named_by_the_programs_of_a_deployment() -> None:
    programs = [
        path
        for folder in (".", "e2e", "images", "kubernetes", "local", "release")
        for path in (KUBERNETES.parent / folder).glob("*.py")
    ]
    programs += (KUBERNETES / "manifests").rglob("*.py")
    found = {
        (path.name, word)
        for path in programs
        for word in re.findall(
            r"bankchurn|nlpinsight|chicagotaxi", path.read_text("utf-8"), re.IGNORECASE
        )
    }
    assert len(programs) > 20
    assert found == set()
