"""The commands `split` and `score`, which `modelwatch challenge` runs."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from bankchurn.cli import app
from bankchurn.data.table import load_table
from bankchurn.evaluation.evaluation import digest_table
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.sample import generate_sample
from bankchurn.schema import TARGET
from bankchurn.training.train import TrainedModel
from modelwatch.testing.split_conformance import SplitConformance
from typer.testing import CliRunner


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def table(sample: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 1,500 customers of the model's table, and 500 that came later."""
    path = tmp_path_factory.mktemp("data") / "customers.csv"
    later = generate_sample(500, seed=11)
    later["CustomerId"] += 1_000_000
    pd.concat([sample, later]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def parts(sealed: Path, table: Path) -> tuple[Path, Path]:
    training, held_out = table.parent / "training.csv", table.parent / "held-out.csv"
    options: list[str | Path] = ["--training", training, "--held-out", held_out]
    printed = run("split", table, "--model", sealed, *options)
    assert printed == f"Held out 400 of 2,000 customers. Wrote {held_out}\n"
    return training, held_out


def test_split_holds_out_a_fifth_that_the_model_was_not_trained_on(
    parts: tuple[Path, Path], table: Path, training: TrainedModel
) -> None:
    kept, held_out = map(load_table, parts)
    assert (len(kept), len(held_out)) == (1600, 400)
    assert not set(digest_table(held_out)) & training.rows.digests
    together = sorted(digest_table(kept) + digest_table(held_out))
    assert together == sorted(digest_table(load_table(table)))


def test_split_holds_out_the_same_rows_of_a_table_in_another_order(
    parts: tuple[Path, Path], table: Path, sealed: Path, tmp_path: Path
) -> None:
    shuffled = tmp_path / "shuffled.csv"
    pd.read_csv(table).sample(frac=1, random_state=1).to_csv(shuffled, index=False)
    held_out = tmp_path / "held-out.csv"
    options: list[str | Path] = ["--training", tmp_path / "training.csv", "--held-out", held_out]
    run("split", shuffled, "--model", sealed, *options)
    again = load_table(held_out)
    assert sorted(digest_table(again)) == sorted(digest_table(load_table(parts[1])))


def test_split_refuses_a_table_of_training_rows_only(
    sealed: Path, training: TrainedModel, sample: pd.DataFrame, tmp_path: Path
) -> None:
    seen = [digest in training.rows.digests for digest in digest_table(sample)]
    sample[seen].to_csv(tmp_path / "seen.csv", index=False)
    options = ["--training", tmp_path / "a.csv", "--held-out", tmp_path / "b.csv"]
    arguments = ["split", tmp_path / "seen.csv", "--model", sealed, *options]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 2
    assert "None of these rows is certainly unseen by bankchurn" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seen.csv"]


class TestSplit(SplitConformance):
    app = app


def test_score_writes_what_the_model_answers(
    parts: tuple[Path, Path], sealed: Path, predictor: ChurnPredictor, tmp_path: Path
) -> None:
    held_out = load_table(parts[1])
    run("score", parts[1], tmp_path / "scores.csv", "--model", sealed)
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert set(rows[0]) == {
        "row",
        "trained_on",
        "outcome",
        "output.probability",
        "group.Geography",
        "group.Gender",
        "group.Age",
        "cpu_us",
    }
    assert [int(row["row"], 16) for row in rows] == digest_table(held_out)
    assert {row["trained_on"] for row in rows} == {"no"}
    assert [row["outcome"] for row in rows] == held_out[TARGET].astype(str).tolist()
    probability, _ = predictor.score_table(held_out)
    assert [float(row["output.probability"]) for row in rows] == probability.tolist()
    assert [row["group.Geography"] for row in rows] == held_out["Geography"].tolist()
    young = (held_out["Age"] < 30).tolist()
    assert [row["group.Age"] == "18-29" for row in rows] == young
    timed = [float(row["cpu_us"]) for row in rows if row["cpu_us"]]
    assert len(timed) == 100
    assert min(timed) > 0


def test_score_marks_training_rows(
    table: Path, sealed: Path, training: TrainedModel, tmp_path: Path
) -> None:
    run("score", table, tmp_path / "scores.csv", "--model", sealed)
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        marked = [row["trained_on"] for row in csv.DictReader(file)]
    seen = [digest in training.rows.digests for digest in digest_table(load_table(table))]
    assert marked == ["yes" if one else "no" for one in seen]
    assert marked.count("yes") >= 1190


def test_score_refuses_a_model_that_was_changed(
    parts: tuple[Path, Path], sealed: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "model"
    broken.mkdir()
    for path in sealed.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    decision = json.loads((broken / "decision.json").read_bytes())
    (broken / "decision.json").write_text(json.dumps(decision | {"threshold": 0.9}))
    arguments = ["score", parts[1], tmp_path / "scores.csv", "--model", broken]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 1
    assert not (tmp_path / "scores.csv").exists()
