import hashlib
import json
from pathlib import Path

import pytest
from {{ package }}.cli import app
from typer.testing import CliRunner, Result


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_what_train_seals_is_evaluated_and_predicts(tmp_path: Path) -> None:
    data, model, reports = tmp_path / "a.csv", tmp_path / "model", tmp_path / "reports"
    assert run("generate", data, "--rows", 900, "--seed", 2).exit_code == 0

    done = run("train", "--data", data, "--out", model, "--reports", reports)

    assert done.exit_code == 0, done.output
    digest = hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()
    assert f"MODEL_SHA256={digest}\n" in done.output
    trained = json.loads((reports / "evaluation.json").read_text())
    assert (trained["data"]["source"], trained["data"]["rows"]) == ("a.csv", 900)
    assert trained["metrics"]["rows"] == 180

    done = run("evaluate", data, "--model", model, "--reports", tmp_path / "again")

    assert done.exit_code == 0, done.output
    evaluated = json.loads((tmp_path / "again" / "evaluation.json").read_text())
    assert evaluated["metrics"]["rows"] == 900
    assert evaluated["training_overlap"]["share"] == pytest.approx(0.8)
    assert "80.0% of the 900 records are among those" in done.output

    done = run("predict", data, tmp_path / "out.csv", "--model", model)

    assert done.exit_code == 0, done.output
    assert "Scored 900 transactions with 0.1.0+" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("predict none.csv out.csv", "none.csv does not exist"),
        ("predict table.txt out.csv", "whose name ends in .csv, .csv.gz"),
        ("predict a.csv out.parquet", "only CSV is written"),
        ("train --data none.csv", "none.csv does not exist"),
        ("train --out model --reports model/reports", "lies in the model's folder"),
        ("evaluate none.csv", "none.csv does not exist"),
        ("generate none/out.csv", "none/out.csv cannot be written"),
    ],
)
def test_unusable_paths_end_with_2_and_write_nothing(
    arguments: str, message: str, sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("amount\n1\n")
    opens = arguments.startswith(("predict", "evaluate"))
    done = run(*arguments.split(), *(("--model", sealed) if opens else ()))
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_model_that_is_not_there_is_refused_with_a_remedy(tmp_path: Path) -> None:
    assert run("generate", tmp_path / "a.csv", "--rows", 10).exit_code == 0
    done = run("predict", tmp_path / "a.csv", tmp_path / "b.csv", "--model", tmp_path / "none")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: There is no sealed model at ")
