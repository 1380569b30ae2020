"""A model by folder and digest: opened once in a process, and nothing but what was found."""

import pickle
import shutil
from pathlib import Path
from typing import Any, ClassVar

import pytest
from modelseal import OpenedModel
from modelseal.errors import FileDigestError, ManifestDigestError, ManifestError
from servicekit import model_reference
from servicekit.files import DataError
from servicekit.model_reference import ModelReference
from servicekit.models import open_model


class TinyReference(ModelReference[Any]):
    name: ClassVar[str] = "tiny"
    kind: ClassVar[type[object]] = object


class OtherReference(ModelReference[Any]):
    name: ClassVar[str] = "other"
    kind: ClassVar[type[object]] = object


@pytest.fixture
def model(sealed_model: Path, tmp_path: Path) -> Path:
    shutil.copytree(sealed_model, tmp_path / "model")
    return tmp_path / "model"


def test_a_model_is_opened_once_however_often_it_is_asked_for(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    def count(
        folder: Path, sha256: str, signers: None, *, name: str, kind: type[object]
    ) -> tuple[OpenedModel, object]:
        opened.append(folder)
        return open_model(folder, sha256, signers, name=name, kind=kind)

    monkeypatch.setattr(model_reference, "open_model", count)
    found = TinyReference.find(model, None)
    arrived = pickle.loads(pickle.dumps(found))  # noqa: S301 - made here
    assert arrived == found
    assert arrived.predictor().replay([{"x": 4.0}]) == {"y": [8.0]}
    assert found.opened().manifest.version == "7"
    assert opened == [model.resolve()]


def test_a_file_that_changed_is_refused_by_the_next_find(model: Path) -> None:
    TinyReference.find(model, None)
    (model / "tiny.json").write_text('{"slope": 3.0}')
    with pytest.raises(FileDigestError):
        TinyReference.find(model, None)


def test_a_process_refuses_another_model_than_the_one_that_was_found(model: Path) -> None:
    with pytest.raises(ManifestDigestError, match="the deployment expects 0000"):
        TinyReference(model, "0" * 64).predictor()
    with pytest.raises(ManifestError, match="There is no sealed model at"):
        TinyReference(model / "none", "0" * 64).opened()


def test_a_model_of_another_service_is_refused(model: Path) -> None:
    with pytest.raises(DataError, match="not one of other"):
        OtherReference.find(model, None)


def test_another_digest_than_the_expected_one_is_refused(model: Path) -> None:
    with pytest.raises(ManifestDigestError, match="the deployment expects 0000"):
        TinyReference.find(model, "0" * 64)
