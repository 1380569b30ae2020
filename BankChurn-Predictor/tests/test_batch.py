import gzip
import os
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from bankchurn.batch import predict_file as module
from bankchurn.batch.predict_file import predict_file
from bankchurn.batch.scoring import on_all_cores
from bankchurn.data import table_files as tables
from bankchurn.data.table_files import TableWriter, read_chunks
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.model.stack import probabilities
from bankchurn.responses import risk_level
from bankchurn.sample import generate_sample
from bankchurn.schema import NUMBERS, example
from servicekit.files import DataError

ADDED = ["churn_probability", "churn_prediction", "risk_level", "warnings"]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables.read_chunks, "__kwdefaults__", {"columns": None, "rows": 40})


@pytest.fixture
def customers() -> pd.DataFrame:
    """Customers inside the training data of the fixtures' model."""
    made = generate_sample(100, seed=8, blank_share=0.3).drop(columns="Exited")
    return made.assign(Balance=made["Balance"].clip(upper=150_000))


def write(table: pd.DataFrame, path: Path) -> Path:
    with TableWriter(path) as writer:
        writer.write_rows(table.iloc[:70])
        writer.write_rows(table.iloc[70:])
    return path


def read(path: Path) -> pd.DataFrame:
    return pd.concat(list(read_chunks(path)))


@pytest.mark.parametrize("source", ["in.csv", "in.parquet"])
@pytest.mark.parametrize("destination", ["out.csv", "out.parquet"])
def test_every_customer_is_scored_in_order_in_either_format(
    predictor: ChurnPredictor,
    customers: pd.DataFrame,
    tmp_path: Path,
    source: str,
    destination: str,
) -> None:
    summary = predict_file(
        on_all_cores(predictor), write(customers, tmp_path / source), tmp_path / destination
    )
    scored = read(tmp_path / destination)
    expected = probabilities(predictor.pipeline, customers)
    assert scored.columns.tolist() == [*customers.columns, *ADDED]
    assert scored["CustomerId"].astype(int).tolist() == customers["CustomerId"].tolist()
    np.testing.assert_allclose(scored["churn_probability"].astype(float), expected, rtol=1e-12)
    predicted = (expected >= predictor.decision.threshold).astype(int).tolist()
    assert scored["churn_prediction"].astype(int).tolist() == predicted
    assert scored["risk_level"].tolist() == [risk_level(value) for value in expected]
    assert (summary.customers, summary.predicted_churn) == (100, sum(predicted))
    assert (summary.marked, summary.warnings) == (0, {})
    nullable = [name for name, bounds in NUMBERS.items() if bounds.nullable]
    assert "Tenure" in nullable
    assert summary.unknown == {name: customers[name].isna().sum() for name in nullable}
    assert scored["warnings"].fillna("").tolist() == [""] * 100


def test_from_csv_to_csv_the_input_is_written_as_it_stood(
    predictor: ChurnPredictor, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    names = (
        "Surname,CustomerId,CreditScore,Geography,Gender,Age,Tenure,Balance,NumOfProducts,"
        "HasCrCard,IsActiveMember,EstimatedSalary"
    )
    # Inputs of another declaration have their examples.
    more = {name: str(one) for name, one in example().items() if name not in names.split(",")}
    cells = '"Brook, A.",00042,619,France,Female,42.0,,0.00,1,1,1,101348.880'
    row = ",".join([cells, *more.values()])
    source.write_text(f"{','.join([names, *more])}\n{row}\n")
    predict_file(on_all_cores(predictor), source, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith(f"{row},0.")


@pytest.mark.parametrize("source", ["in.csv", "in.parquet"])
@pytest.mark.parametrize("destination", ["out.csv", "out.parquet"])
def test_columns_that_are_no_features_are_kept_as_they_are(
    predictor: ChurnPredictor,
    customers: pd.DataFrame,
    tmp_path: Path,
    source: str,
    destination: str,
) -> None:
    # Names that differ from a feature's only in case, and an outcome that is not known yet. The
    # note is blank throughout the first chunk.
    notes = pd.Series([np.nan] * 60 + ["4_1", "no, yes"] * 20)
    extra = customers.assign(age="007", AGE="x", Exited=np.nan, note=notes)
    path = write(extra, tmp_path / source)
    predict_file(on_all_cores(predictor), path, tmp_path / destination)
    scored = read(tmp_path / destination)
    assert scored.columns.tolist() == [*extra.columns, *ADDED]
    for name in ("age", "AGE", "Exited", "note", "Surname"):
        assert scored[name].isna().tolist() == extra[name].isna().tolist()
        assert scored[name].dropna().tolist() == extra[name].dropna().tolist()


def test_a_csv_file_with_an_index_and_repeated_names_is_scored(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path
) -> None:
    plain = customers.to_csv(index=True)
    header, *rows = plain.splitlines()
    lines = [f"{header},note,note", *(f"{row},a,4_1" for row in rows)]
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n")
    predict_file(on_all_cores(predictor), tmp_path / "in.csv", tmp_path / "out.csv")
    out = (tmp_path / "out.csv").read_text().splitlines()
    assert out[0] == f"{lines[0]},{','.join(ADDED)}"
    assert [row[: len(line)] for row, line in zip(out, lines, strict=True)] == lines
    with pytest.raises(DataError, match="Parquet cannot hold two columns of one name: 'note'"):
        predict_file(on_all_cores(predictor), tmp_path / "in.csv", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_in_other_columns_survive(
    predictor: ChurnPredictor,
    customers: pd.DataFrame,
    tmp_path: Path,
    unit: Literal["s", "ms", "us", "ns"],
) -> None:
    opened = pd.Series(pd.to_datetime(["2026-03-01 10:00:00"] * 100)).dt.as_unit(unit)
    source = write(customers.assign(opened=opened), tmp_path / "in.parquet")
    predict_file(on_all_cores(predictor), source, tmp_path / "out.parquet")
    assert set(read(tmp_path / "out.parquet")["opened"]) == {pd.Timestamp("2026-03-01 10:00:00")}


@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_a_column_of_the_output_is_not_overwritten(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path, name: str
) -> None:
    source = write(customers.assign(warnings="mine", risk_level="mine"), tmp_path / name)
    with pytest.raises(DataError, match="already has risk_level, warnings, which predict writes"):
        predict_file(on_all_cores(predictor), source, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("destination", ["out.csv", "out.parquet"])
def test_answers_outside_of_the_training_are_marked_and_counted(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path, destination: str
) -> None:
    assert predictor.profile is not None
    assert predictor.profile.numbers["Age"].high < 100
    customers.loc[[3, 50, 95], "Age"] = 100
    customers.loc[50, "Balance"] = 1e9
    summary = predict_file(
        on_all_cores(predictor), write(customers, tmp_path / "in.csv"), tmp_path / destination
    )
    cells = read(tmp_path / destination)["warnings"].fillna("").tolist()
    assert {row: cell for row, cell in enumerate(cells) if cell} == {
        3: "outside_training_range:Age",
        50: "outside_training_range:Age;outside_training_range:Balance",
        95: "outside_training_range:Age",
    }
    assert summary.marked == 3
    assert summary.warnings == {
        "outside_training_range:Age": 3,
        "outside_training_range:Balance": 1,
    }


def test_a_compressed_file_is_scored(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path
) -> None:
    write(customers, tmp_path / "in.csv")
    contents = (tmp_path / "in.csv").read_bytes()
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(contents))
    for source, destination in (("in.csv", "plain.csv"), ("in.csv.gz", "compressed.csv")):
        predict_file(on_all_cores(predictor), tmp_path / source, tmp_path / destination)
    assert (tmp_path / "compressed.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()


def test_a_file_gets_the_answers_of_the_pipeline_bit_for_bit(
    predictor: ChurnPredictor,
    customers: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PART_ROWS", 7)
    predict_file(
        on_all_cores(predictor), write(customers, tmp_path / "in.csv"), tmp_path / "out.parquet"
    )
    found = read(tmp_path / "out.parquet")["churn_probability"].tolist()
    assert found == probabilities(predictor.pipeline, customers).tolist()


def test_as_many_parts_are_scored_at_once_as_there_are_cores(
    predictor: ChurnPredictor,
    customers: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cores = os.cpu_count() or 1
    monkeypatch.setattr(tables.read_chunks, "__kwdefaults__", {"columns": None, "rows": cores})
    monkeypatch.setattr(module, "_PART_ROWS", 1)
    together = threading.Barrier(cores)
    honest = ChurnPredictor.score_table

    def wait_for_the_others(self: ChurnPredictor, table: pd.DataFrame) -> object:
        together.wait(timeout=60)
        return honest(self, table)

    monkeypatch.setattr(ChurnPredictor, "score_table", wait_for_the_others)
    source = write(customers.head(3 * cores), tmp_path / "in.csv")
    summary = predict_file(on_all_cores(predictor), source, tmp_path / "out.csv")
    assert summary.customers == 3 * cores


def test_a_piece_is_scored_while_the_next_is_read(
    predictor: ChurnPredictor,
    customers: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second_was_read = threading.Event()
    honest, score = read_chunks, ChurnPredictor.score_table

    def watched(source: Path) -> Iterator[pd.DataFrame]:
        for number, piece in enumerate(honest(source), start=1):
            if number == 2:
                second_was_read.set()
            yield piece

    def wait_for_the_second(self: ChurnPredictor, table: pd.DataFrame) -> object:
        assert second_was_read.wait(timeout=60)
        return score(self, table)

    monkeypatch.setattr(module, "read_chunks", watched)
    monkeypatch.setattr(ChurnPredictor, "score_table", wait_for_the_second)
    source = write(customers, tmp_path / "in.csv")
    assert predict_file(on_all_cores(predictor), source, tmp_path / "out.csv").customers == 100


def test_invalid_rows_of_every_chunk_are_named_and_nothing_is_written(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path
) -> None:
    customers.loc[[3, 95], "Age"] = 7
    customers.loc[50, "Geography"] = "Italy"
    source = write(customers, tmp_path / "in.csv")
    out = tmp_path / "out.csv"
    out.write_text("yesterday's")
    with pytest.raises(DataError) as caught:
        predict_file(on_all_cores(predictor), source, out)
    message = str(caught.value)
    assert "3 rows do not fit" in message
    assert "column Age must be a whole number from 18 to 100; row 4: '7', row 96: '7'" in message
    assert "column Geography must be one of France, Spain, Germany; row 51: 'Italy'" in message
    assert out.read_text() == "yesterday's"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_all_bad_rows_of_a_large_file_are_counted_though_few_are_named(
    predictor: ChurnPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables.read_chunks, "__kwdefaults__", {"columns": None, "rows": 5000})
    bad = generate_sample(12_000, seed=1).assign(Age=7)
    bad.loc[11_990:, "Gender"] = "unknown"
    bad.to_csv(tmp_path / "in.csv", index=False)
    with pytest.raises(DataError) as caught:
        predict_file(on_all_cores(predictor), tmp_path / "in.csv", tmp_path / "out.csv")
    message = str(caught.value)
    assert "12000 rows do not fit" in message
    assert "row 5: '7' and 11995 more" in message
    assert "row 11995: 'unknown' and 5 more" in message
    assert len(message) < 1000


def test_an_interrupted_run_leaves_nothing_behind(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path
) -> None:
    source = write(customers, tmp_path / "in.csv")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_file(on_all_cores(predictor), source, tmp_path / "out.csv", advance=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_progress_counts_the_rows(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path
) -> None:
    counts: list[float] = []

    def count(amount: float = 1, step: str | None = None) -> None:
        assert step is None
        counts.append(amount)

    source = write(customers, tmp_path / "in.csv")
    predict_file(on_all_cores(predictor), source, tmp_path / "out.csv", advance=count)
    assert counts == [40, 40, 20]


def test_the_input_is_not_overwritten(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path
) -> None:
    source = write(customers, tmp_path / "in.csv")
    with pytest.raises(DataError, match="is the input itself"):
        predict_file(on_all_cores(predictor), source, source)


def test_an_output_folder_that_does_not_exist_is_refused(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path
) -> None:
    source = write(customers, tmp_path / "in.csv")
    with pytest.raises(DataError, match="Give a place in a folder that exists"):
        predict_file(on_all_cores(predictor), source, tmp_path / "none" / "out.csv")


def test_memory_does_not_grow_with_the_file(
    predictor: ChurnPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables.read_chunks, "__kwdefaults__", {"columns": None, "rows": 1000})

    def peak(rows: int) -> int:
        source = tmp_path / f"{rows}.csv"
        generate_sample(rows, seed=1).to_csv(source, index=False)
        tracemalloc.start()
        predict_file(on_all_cores(predictor), source, tmp_path / "out.csv")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(80)  # what is imported and cached on first use
    assert peak(15_000) < 1.3 * peak(5_000)


def test_a_new_output_is_as_readable_as_any_file(
    predictor: ChurnPredictor, customers: pd.DataFrame, tmp_path: Path
) -> None:
    source = write(customers, tmp_path / "in.csv")
    predict_file(on_all_cores(predictor), source, tmp_path / "out.csv")
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "out.csv").stat().st_mode == plain.stat().st_mode
