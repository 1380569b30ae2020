"""A service's commands open its own models only, and seal where a report does not lie."""

from pathlib import Path

import pytest
from pinproof import SealedModelError, SealError, open_sealed
from servicekit.files import DataError
from servicekit.models import check_places, open_model, sealed_text


def nothing(_folder: Path) -> None:
    pass


def test_a_model_of_its_own_is_opened(sealed_model: Path) -> None:
    opened, predictor = open_model(sealed_model, None, name="tiny", kind=object)
    assert opened.manifest.version == "7"
    assert predictor is opened.predictor


def test_a_model_of_another_service_is_told_before_its_requirements_are(
    sealed_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unexpected(*_arguments: object, **_options: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr("pinproof.open_sealed", unexpected)
    with pytest.raises(DataError, match=r"holds the model 'tiny' .* not one of other"):
        open_model(sealed_model, None, name="other", kind=object)


def test_a_predictor_of_another_kind_is_refused(sealed_model: Path) -> None:
    with pytest.raises(DataError, match="not one of tiny"):
        open_model(sealed_model, None, name="tiny", kind=int)


def test_another_digest_is_refused_whatever_the_name(sealed_model: Path) -> None:
    with pytest.raises(SealedModelError, match="the deployment expects"):
        open_model(sealed_model, "0" * 64, name="other", kind=object)


def test_a_training_prints_the_digest_that_opens_its_model_and_no_other(
    sealed_model: Path,
) -> None:
    manifest = open_sealed(sealed_model).manifest
    first, second = sealed_text(manifest, sealed_model).splitlines()
    assert first == f"Sealed tiny 7 in {sealed_model}"
    name, _, digest = second.partition("=")
    assert name == "MODEL_SHA256"
    assert open_sealed(sealed_model, expected_sha256=digest).sha256 == digest


def test_a_report_in_the_models_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lies in the model's folder"):
        check_places(tmp_path / "m", tmp_path / "m" / "r", nothing)


def test_places_are_checked_both(tmp_path: Path) -> None:
    asked: list[Path] = []
    check_places(tmp_path / "m", tmp_path / "r", asked.append)
    assert asked == [tmp_path / "r"]
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "own.txt").touch()
    with pytest.raises(SealError, match="not a sealed model"):
        check_places(tmp_path / "m", tmp_path / "r", nothing)
