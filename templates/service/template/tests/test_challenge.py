"""The commands that `modelwatch challenge` runs."""

import csv
from pathlib import Path

import numpy as np
import pytest
from modelwatch.testing.split_conformance import SplitConformance
from {{ package }}.cli import app
from {{ package }}.data import Table, format_table, load_table
from {{ package }}.features import known_values, to_records
from {{ package }}.model import Predictor
from {{ package }}.sample import generate_sample
from {{ package }}.training import TrainedModel
from servicekit.training_rows import digest_rows
from typer.testing import CliRunner


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def later(table: Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 1,500 transactions of the model's table, and 500 that came later."""
    path = tmp_path_factory.mktemp("data") / "in.csv"
    records, target = generate_sample(500, seed=11)
    path.write_bytes(
        format_table([*to_records(table.values), *records], np.append(table.target, target))
    )
    return path


@pytest.fixture(scope="module")
def parts(sealed: Path, later: Path) -> tuple[Path, Path]:
    training, held_out = later.parent / "training.csv", later.parent / "held-out.csv"
    options = ("--model", sealed, "--training", training, "--held-out", held_out)
    printed = run("split", later, *options)
    assert printed == f"Held out 400 of 2,000 transactions. Wrote {held_out}\n"
    return training, held_out


def test_a_fifth_is_held_out_that_the_model_was_not_trained_on(
    parts: tuple[Path, Path], later: Path, trained: TrainedModel
) -> None:
    kept, held_out = (load_table(part).texts() for part in parts)
    assert (len(kept), len(held_out)) == (1600, 400)
    assert not set(digest_rows(held_out)) & trained.rows.digests
    assert sorted(kept + held_out) == sorted(load_table(later).texts())


def test_a_table_of_training_rows_is_refused(
    table: Table, trained: TrainedModel, sealed: Path, tmp_path: Path
) -> None:
    seen = table.only(np.array([one in trained.rows.digests for one in digest_rows(table.texts())]))
    path = tmp_path / "seen.csv"
    path.write_bytes(format_table(to_records(seen.values), seen.target))
    options = ("--training", tmp_path / "a.csv", "--held-out", tmp_path / "b.csv")
    done = CliRunner().invoke(app, [str(one) for one in ("split", path, "--model", sealed, *options)])
    assert done.exit_code == 2
    assert "None of these rows is certainly unseen by {{ package }}" in done.stderr
    assert list(tmp_path.iterdir()) == [path]


class TestSplit(SplitConformance):
    app = app


def test_scores_are_the_answers_to_the_rows_in_their_order(
    parts: tuple[Path, Path], sealed: Path, predictor: Predictor, tmp_path: Path
) -> None:
    held_out = load_table(parts[1])
    run("score", parts[1], tmp_path / "scores.csv", "--model", sealed)
    rows = read(tmp_path / "scores.csv")
    assert [int(row["row"], 16) for row in rows] == digest_rows(held_out.texts())
    assert {row["trained_on"] for row in rows} == {"no"}
    assert [int(row["outcome"]) for row in rows] == held_out.target.tolist()
    assert [float(row["output.probability"]) for row in rows] == pytest.approx(
        predictor.probabilities(held_out.values).tolist(), abs=1e-12
    )
    channels = [record.channel for record in to_records(held_out.values)]
    assert [row["group.channel"] for row in rows] == channels
    times = [float(row["cpu_us"]) for row in rows if row["cpu_us"]]
    assert len(times) == 100
    assert min(times) > 0


def test_training_rows_are_marked_in_the_scores(
    later: Path, sealed: Path, trained: TrainedModel, tmp_path: Path
) -> None:
    run("score", later, tmp_path / "scores.csv", "--model", sealed)
    seen = [one in trained.rows.digests for one in digest_rows(load_table(later).texts())]
    marked = [row["trained_on"] for row in read(tmp_path / "scores.csv")]
    assert marked == ["yes" if one else "no" for one in seen]
    assert sum(seen) == 1200


def test_records_come_back_from_their_known_values() -> None:
    records, _ = generate_sample(200, seed=4)
    assert any(record.account_days is None for record in records)
    assert to_records(known_values(records)) == records
