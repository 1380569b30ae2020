import csv
import signal
from pathlib import Path

import pytest
from {{ package }}.batch import predict_file
from {{ package }}.cli import app
from {{ package }}.data import read_record
from {{ package }}.model import Predictor
from servicekit.files import DataError
from servicekit.testing.commands import end_when
from typer.testing import CliRunner


def generate(path: Path, rows: int) -> Path:
    done = CliRunner().invoke(app, ["generate", str(path), "--rows", str(rows)])
    assert done.exit_code == 0, done.output
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_file_is_scored_as_its_rows_are_by_request(predictor: Predictor, tmp_path: Path) -> None:
    source, out = generate(tmp_path / "in.csv", 2_500), tmp_path / "out.csv"

    summary = predict_file(predictor, source, out)

    rows, scored = read(source), read(out)
    answers = predictor.answer([read_record(row) for row in rows], model_version="")
    assert [{name: row[name] for name in rows[0]} for row in scored] == rows
    assert [float(row["probability"]) for row in scored] == pytest.approx(
        [answer.probability for answer in answers], abs=1e-12
    )
    assert [int(row["prediction"]) for row in scored] == [one.prediction for one in answers]
    assert summary.rows == 2_500
    assert summary.predicted == sum(answer.prediction for answer in answers) > 0
    assert summary.marked == sum(bool(answer.warnings) for answer in answers)


def test_other_columns_are_copied_and_warnings_have_a_column(
    predictor: Predictor, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(
        "id,amount,hour,items,account_days,channel\n"
        '"a,1",30.50,14,2,,app\nb,900000,14,1000,9,app\n'
    )
    summary = predict_file(predictor, source, tmp_path / "out.csv")
    first, second = read(tmp_path / "out.csv")
    assert (first["id"], first["amount"], first["warnings"]) == ("a,1", "30.50", "")
    assert second["warnings"] == "outside_training_range:amount;outside_training_range:items"
    assert summary.warnings == {
        "outside_training_range:amount": 1,
        "outside_training_range:items": 1,
    }


def test_one_invalid_row_leaves_the_old_output(predictor: Predictor, tmp_path: Path) -> None:
    source, out = generate(tmp_path / "in.csv", 1_500), tmp_path / "out.csv"
    source.write_text(source.read_text().replace("\n", "\n-1,14,2,9,app,0\n", 1))
    out.write_text("yesterday's")
    with pytest.raises(DataError, match="1 row does not fit"):
        predict_file(predictor, source, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    assert out.read_text() == "yesterday's"


def test_a_file_that_was_scored_already_is_refused(predictor: Predictor, tmp_path: Path) -> None:
    source, out = generate(tmp_path / "in.csv", 10), tmp_path / "out.csv"
    predict_file(predictor, source, out)
    with pytest.raises(DataError, match="already has probability, prediction, warnings"):
        predict_file(predictor, out, tmp_path / "again.csv")


def test_a_stopped_predict_leaves_only_the_old_output(sealed: Path, tmp_path: Path) -> None:
    source = generate(tmp_path / "in.csv", 30_000)
    (tmp_path / "out.csv").write_text("yesterday's")
    arguments = ["predict", source, tmp_path / "out.csv", "--model", sealed]
    code = end_when(
        "{{ package }}",
        lambda: any(path.stat().st_size for path in tmp_path.glob(".out.csv-*")),
        signal.SIGTERM,
        *arguments,
    )
    assert code == 143
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    assert (tmp_path / "out.csv").read_text() == "yesterday's"
