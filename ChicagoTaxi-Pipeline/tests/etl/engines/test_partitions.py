"""Batches in any order come back whole, each row in the folder that its columns name."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from chicagotaxi.etl.engines import partitions
from chicagotaxi.etl.engines.partitions import PartitionedWriter
from hypothesis import given, settings
from hypothesis import strategies as st

SCHEMA = pa.schema(
    [("year", pa.int32()), ("name", pa.string()), ("month", pa.int32()), ("fare", pa.float64())]
)
ROWS = st.tuples(
    st.integers(2013, 2015),
    st.text(max_size=5) | st.none(),
    st.integers(0, 3),
    st.floats(allow_nan=False) | st.none(),
)


@pytest.fixture(autouse=True, scope="module")
def _few_rows_are_enough() -> Iterator[None]:
    """To begin to write, so that each batch or two is written by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitions, "_ROWS", 7)
        yield


def batch(rows: list[tuple[int, str | None, int, float | None]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ([], [], [], [])
    return pa.record_batch(
        [pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)],
        schema=SCHEMA,
    )


@given(batches=st.lists(st.lists(ROWS, max_size=12), max_size=6))
@settings(max_examples=60, deadline=None)
def test_every_row_is_in_the_folder_of_its_values_and_nowhere_else(
    batches: list[list[tuple[int, str | None, int, float | None]]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "out"
        with PartitionedWriter(folder, SCHEMA, by=("year", "month"), threads=2) as file:
            for rows in batches:
                file.write(batch(rows))
        found = Counter[tuple[int, str | None, int, float | None]]()
        for path in folder.rglob("*.parquet"):
            month, year = (int(parent.name.partition("=")[2]) for parent in path.parents[:2])
            table = pq.ParquetFile(path).read()
            assert table.column_names == ["name", "fare"]
            found.update(
                (year, one, month, fare)
                for one, fare in zip(
                    table["name"].to_pylist(), table["fare"].to_pylist(), strict=True
                )
            )
    assert found == Counter(row for rows in batches for row in rows)


def test_without_columns_all_rows_are_in_one_file_in_their_order(tmp_path: Path) -> None:
    with PartitionedWriter(tmp_path / "out", SCHEMA, by=(), threads=2) as file:
        for number in range(5):
            file.write(batch([(number, "a", 1, 0.5), (number, "b", 2, None)]))
    found = ds.dataset(tmp_path / "out").to_table()
    assert found.schema == SCHEMA
    assert found["year"].to_pylist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_no_more_rows_wait_than_are_allowed(tmp_path: Path) -> None:
    with PartitionedWriter(tmp_path / "out", SCHEMA, by=("year",), threads=2) as file:
        for start in range(0, 40, 4):
            file.write(batch([(year, "x", 1, 1.0) for year in range(start, start + 4)]))
            assert file.waiting < 7
    assert ds.dataset(tmp_path / "out").count_rows() == 40


def test_rows_that_are_written_together_are_one_row_group_of_each_partition(tmp_path: Path) -> None:
    with PartitionedWriter(tmp_path / "out", SCHEMA, by=("month",), threads=2) as file:
        for number in range(9):
            file.write(batch([(number, "a", 1, 0.5), (number, "b", 2, 0.5)]))
    for path in (tmp_path / "out").rglob("*.parquet"):
        found = pq.ParquetFile(path)
        # Eight rows are four batches of two, and more than seven.
        groups = [found.metadata.row_group(one).num_rows for one in range(found.num_row_groups)]
        assert groups == [4, 4, 1]
        assert found.read()["year"].to_pylist() == list(range(9))


def test_a_failure_in_the_block_is_the_error_that_is_raised(tmp_path: Path) -> None:
    def stop(file: PartitionedWriter) -> None:
        file.write(batch([(2013, "a", 1, 0.5)] * 4))
        raise KeyError("the engine's")

    with (
        pytest.raises(KeyError, match="the engine's"),
        PartitionedWriter(tmp_path / "out", SCHEMA, by=("year",), threads=2) as file,
    ):
        stop(file)
