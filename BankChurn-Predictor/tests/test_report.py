import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from bankchurn.report import check_folder, write_report
from bankchurn.training.train import TrainedModel
from servicekit.files import DataError


def test_a_report_is_written_with_its_plots(training: TrainedModel, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    written = write_report(training.report, tmp_path / "new" / "folder")
    assert [path.name for path in written] == ["evaluation.json", "roc.png", "calibration.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written[1:])
    report = json.loads(written[0].read_text())
    assert report["format"] == 1
    assert set(report["cross_validation"]) == {
        "stack", "forest", "gradient_boosting", "xgboost", "lightgbm",
    }  # fmt: skip
    assert sorted(path.name for path in written[0].parent.iterdir()) == sorted(
        path.name for path in written
    )


def test_without_matplotlib_the_report_goes_without_plots_and_says_so(
    training: TrainedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("bankchurn.report.find_spec", lambda _name: None)
    assert [path.name for path in write_report(training.report, tmp_path)] == ["evaluation.json"]
    [record] = caplog.records
    assert record.getMessage().startswith("No plots were written: matplotlib is not installed")


# The first limit is smaller than evaluation.json, the second only smaller than the plots.
@pytest.mark.parametrize("limit", [8 * 1024, 24 * 1024])
def test_a_report_that_does_not_fit_the_disk_leaves_the_old_one_whole_and_nothing_else(
    training: TrainedModel,
    tmp_path: Path,
    largest_file: Callable[[int], AbstractContextManager[None]],
    limit: int,
) -> None:
    pytest.importorskip("matplotlib")
    write_report(training.report, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = training.report.model_copy(update={"model_version": "another"})
    with pytest.raises(DataError, match=r"File too large\. Raise the limit"), largest_file(limit):
        write_report(again, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_report_is_as_readable_as_any_file(training: TrainedModel, tmp_path: Path) -> None:
    written = write_report(training.report, tmp_path)
    plain = tmp_path / "plain"
    plain.touch()
    assert {path.stat().st_mode for path in written} == {plain.stat().st_mode}


@pytest.mark.parametrize("name", ["evaluation.json", "roc.png", "calibration.png"])
def test_a_folder_in_the_place_of_a_file_is_seen_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=f"{name} is a folder"):
        check_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_in_the_place_of_the_folder_is_seen_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "reports").touch()
    with pytest.raises(DataError, match=r"reports is a file\. Give the name of a folder\."):
        check_folder(tmp_path / "reports")


def test_a_check_leaves_the_folder_empty(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "reports")
    assert list((tmp_path / "new" / "reports").iterdir()) == []
