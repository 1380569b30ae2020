"""A model that an earlier release sealed and signed still opens.

fixtures/sealed-by-1.0 was written by pinproof 1.0, when the sealed model was a part of it.
"""

import platform
import shutil
import sys
from pathlib import Path

import pytest
from modelseal import open_sealed
from modelseal.manifest import encode_manifest, read_manifest
from site_packages import on_path, toy_site_packages

SEALED = Path(__file__).parent / "fixtures" / "sealed-by-1.0"
SIGNER = "ed25519:r8M8bvGq572JlzZHuOZ+fWxkBsNDEPb17RMoiIl5MJk="


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="Python 3.11 sealed it")
def test_it_opens_with_its_signature(tmp_path: Path) -> None:
    with on_path(toy_site_packages(tmp_path / "site")):
        opened = open_sealed(SEALED, signers=[SIGNER])

    assert opened.sha256 == "932df5098feebe8fd006b7dfc21d96116fba5692165f7b721660bb777f891f06"
    assert opened.running == {"guardedlib": "1.2.3", "innocent-used": "3.1", "toyservice": "1.0.0"}


def test_its_manifest_is_encoded_to_the_same_bytes() -> None:
    manifest, _ = read_manifest(SEALED)

    assert encode_manifest(manifest) == (SEALED / "manifest.json").read_bytes()


def test_it_opens_with_the_python_that_its_manifest_names(tmp_path: Path) -> None:
    manifest, _ = read_manifest(SEALED)
    here = manifest.model_copy(update={"python": platform.python_version()})
    shutil.copytree(SEALED, tmp_path / "model")
    (tmp_path / "model" / "manifest.json").write_bytes(encode_manifest(here))
    (tmp_path / "model" / "signature.json").unlink()

    with on_path(toy_site_packages(tmp_path / "site")):
        opened = open_sealed(tmp_path / "model")

    assert opened.manifest.golden == manifest.golden
