import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
from modelseal import GoldenSet, Manifest, SealedModelError, Tolerance, errors, open_sealed, seal
from modelseal.manifest import encode_manifest, read_manifest
from site_packages import on_path, toy_site_packages


def rewrite(model: Path, **changes: object) -> None:
    """Change fields of a manifest, and seal it again."""
    manifest, _ = read_manifest(model)
    document = manifest.model_dump(mode="json") | changes
    (model / "manifest.json").write_bytes(encode_manifest(Manifest.model_validate(document)))


@pytest.mark.usefixtures("same_packages")
def test_a_model_opens_where_it_was_written(model: Path, marker: Path) -> None:
    opened = open_sealed(model)

    assert marker.exists()
    assert opened.predictor.replay([3.0]) == {"score": [9.0], "label": ["high"]}
    assert opened.manifest.name == "toy"
    assert opened.running["guardedlib"] == "1.2.3"
    assert open_sealed(model, expected_sha256=opened.sha256.upper() + "\n").sha256 == opened.sha256


@pytest.mark.usefixtures("same_packages")
def test_any_one_byte_changed_in_the_manifest_is_refused_before_loading(
    model: Path, marker: Path
) -> None:
    # A short manifest, with a record of each kind.
    environment = read_manifest(model)[0].model_dump(mode="json")["environment"]
    rewrite(model, environment={name: environment[name] for name in ("guardedlib", "plotting")})
    path = model / "manifest.json"
    original = path.read_bytes()
    accepted = []
    for position in range(len(original)):
        changed = bytearray(original)
        changed[position] ^= 0x01
        path.write_bytes(bytes(changed))
        try:
            read_manifest(model)
        except (errors.ManifestError, errors.ManifestDigestError):
            continue
        accepted.append(position)

    assert accepted == []
    changed = bytearray(original)
    changed[original.index(b"0.75")] ^= 0x01
    path.write_bytes(bytes(changed))
    with pytest.raises(errors.ManifestDigestError, match="changed after it was sealed"):
        open_sealed(model)
    assert not marker.exists()


@pytest.mark.usefixtures("same_packages")
@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "is not valid JSON"),
        (b"\xff\xfe", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"[]", "has the format None"),
        (b'{"format": 2}', "has the format 2; this modelseal reads format 1"),
        (b'{"format": 1}', "is not a manifest: seal: Field required"),
    ],
)
def test_an_invalid_manifest_is_refused_before_loading(
    model: Path, marker: Path, contents: bytes, message: str
) -> None:
    (model / "manifest.json").write_bytes(contents)

    with pytest.raises(errors.ManifestError, match=message):
        open_sealed(model)
    assert not marker.exists()


def test_a_folder_without_a_model_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(errors.ManifestError, match=r"no sealed model at .*train a model first"):
        open_sealed(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["../model.pkl", "/etc/passwd", "a/b", ".hidden", ""])
def test_a_manifest_cannot_name_files_outside_its_folder(model: Path, name: str) -> None:
    document = json.loads((model / "manifest.json").read_bytes())
    document["files"] = {name: {"sha256": "0" * 64, "size": 1}}
    (model / "manifest.json").write_text(json.dumps(document))

    with pytest.raises(errors.ManifestError, match="is not a valid name for a file"):
        open_sealed(model)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("files", {"model.pkl": {"sha256": "0" * 64, "size": 10**30}}),
        ("environment", {"": {"version": "1", "guarded": True}}),
        ("environment", {"../x": {"version": "1", "guarded": True}}),
        ("environment", {"x": {"version": "not a version", "guarded": True}}),
    ],
)
def test_a_manifest_with_an_invalid_field_is_refused(
    model: Path, field: str, value: object
) -> None:
    document = json.loads((model / "manifest.json").read_bytes()) | {field: value}
    (model / "manifest.json").write_text(json.dumps(document))

    with pytest.raises(errors.ManifestError, match=field):
        open_sealed(model)


@pytest.mark.usefixtures("same_packages")
def test_another_manifest_than_the_expected_one_is_refused_before_loading(
    model: Path, marker: Path
) -> None:
    with pytest.raises(errors.ManifestDigestError, match="the deployment expects 00000"):
        open_sealed(model, expected_sha256="0" * 64)
    assert not marker.exists()


@pytest.mark.usefixtures("same_packages")
@pytest.mark.parametrize(
    "damage", ["flip", "truncate", "extend", "empty", "remove", "folder", "pipe"]
)
def test_a_damaged_file_is_refused_before_loading(model: Path, marker: Path, damage: str) -> None:
    path = model / "model.pkl"
    contents = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "pipe":
        os.mkfifo(path)
    elif damage != "remove":
        flipped = bytes([contents[0] ^ 0x01]) + contents[1:]
        path.write_bytes(
            {"flip": flipped, "truncate": contents[:-1], "extend": contents + b"!", "empty": b""}[
                damage
            ]
        )

    with pytest.raises(errors.FileDigestError, match=r"model\.pkl"):
        open_sealed(model)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("running", "error"),
    [
        ("1.2.2", errors.OlderThanWriterError),
        ("1.1.9", errors.SeriesMismatchError),
        ("1.3.0", errors.SeriesMismatchError),
        ("2.2.3", errors.SeriesMismatchError),
    ],
)
def test_another_series_or_an_older_patch_is_refused_before_loading(
    model: Path, marker: Path, tmp_path: Path, running: str, error: type[SealedModelError]
) -> None:
    with (
        on_path(toy_site_packages(tmp_path / "reader", guardedlib=running)),
        pytest.raises(error, match=rf"guardedlib 1\.2\.3; {running}.*guardedlib~=1\.2\.3"),
    ):
        open_sealed(model)
    assert not marker.exists()


@pytest.mark.usefixtures("same_packages")
def test_another_series_is_reported_before_an_older_patch(model: Path) -> None:
    environment = read_manifest(model)[0].model_dump(mode="json")["environment"]
    environment["guardedlib"]["version"] = "1.2.9"
    environment["toyservice"]["version"] = "2.0.0"
    rewrite(model, environment=environment)

    with pytest.raises(errors.SeriesMismatchError, match=r"toyservice 2\.0\.0; 1\.0\.0"):
        open_sealed(model)


def test_a_newer_patch_is_accepted_and_reported(model: Path, tmp_path: Path) -> None:
    with on_path(toy_site_packages(tmp_path / "reader", guardedlib="1.2.9")):
        assert open_sealed(model).running["guardedlib"] == "1.2.9"


def test_a_newer_patch_that_answers_differently_is_refused(model: Path, tmp_path: Path) -> None:
    with (
        on_path(toy_site_packages(tmp_path / "reader", guardedlib="1.2.9", factor="2.0000001")),
        pytest.raises(
            errors.GoldenMismatchError,
            match=r"'score' changed for 3 of 3 inputs, most for input 2: "
            r"golden 6\.0, now 6\.0000003",
        ),
    ):
        open_sealed(model)


def test_a_missing_guarded_distribution_is_refused_before_loading(
    model: Path, marker: Path, tmp_path: Path
) -> None:
    site = toy_site_packages(tmp_path / "reader")
    (site.path / "guardedlib-1.2.3.dist-info" / "METADATA").unlink()
    (site.path / "guardedlib-1.2.3.dist-info").rename(tmp_path / "removed")

    with (
        on_path(site),
        pytest.raises(errors.MissingDistributionError, match=r"guardedlib 1\.2\.3, which is not"),
    ):
        open_sealed(model)
    assert not marker.exists()


@pytest.mark.usefixtures("same_packages")
def test_another_minor_version_of_python_is_refused_before_loading(
    model: Path, marker: Path
) -> None:
    rewrite(model, python="3.10.13")

    with pytest.raises(errors.PythonMismatchError, match=r"written by Python 3\.10\.13"):
        open_sealed(model)
    assert not marker.exists()


@pytest.mark.usefixtures("same_packages")
@pytest.mark.parametrize(
    ("loader", "error"),
    [
        ("absent", errors.LoaderNotFoundError),
        ("broken-import", errors.LoaderImportError),
        ("broken-load", errors.LoadError),
        ("broken-predict", errors.PredictError),
    ],
)
def test_each_failure_of_the_loader_has_its_own_error(
    model: Path, loader: str, error: type[SealedModelError]
) -> None:
    rewrite(model, loader=loader)

    with pytest.raises(error):
        open_sealed(model)


def test_every_refusal_has_its_own_code_and_a_remedy() -> None:
    refusals = SealedModelError.__subclasses__()

    assert len({refusal.code for refusal in refusals}) == len(refusals)
    assert str(errors.LoadError("It broke.", remedy="Mend it.")) == "It broke. Mend it."


@pytest.mark.usefixtures("same_packages")
def test_a_model_whose_paths_disagree_is_refused_even_if_its_answers_are_unchanged(
    tmp_path: Path,
) -> None:
    golden = GoldenSet(
        inputs=(1.0,),
        outputs={"table": (2.0,), "request": (2.5,)},
        tolerances={"table": Tolerance(), "request": Tolerance()},
    )
    seal(
        tmp_path / "disagreeing",
        name="toy",
        version="1.0.0",
        loader="two-paths",
        files={"model.pkl": pickle.dumps(0.5)},
        golden=golden,
        data={},
        metrics={},
        parameters={},
    )
    open_sealed(tmp_path / "disagreeing")
    one_answer = {"outputs": ["table", "request"], "tolerance": {"absolute": 0.1}}
    declared = golden.model_dump(mode="json") | {"agreements": [one_answer]}
    rewrite(tmp_path / "disagreeing", golden=declared)

    with pytest.raises(errors.PathDisagreementError, match=r"2\.0 and 2\.5") as refusal:
        open_sealed(tmp_path / "disagreeing")
    assert refusal.value.code == "paths"


@pytest.mark.usefixtures("same_packages")
def test_a_model_that_was_sealed_before_agreements_were_declared_opens(model: Path) -> None:
    path = model / "manifest.json"
    document = json.loads(path.read_text())
    del document["golden"]["agreements"]
    text = json.dumps(document | {"seal": "0" * 64}, indent=1) + "\n"
    seal_of_it = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(text.replace("0" * 64, seal_of_it, 1))

    assert open_sealed(model).manifest.golden.agreements == ()
