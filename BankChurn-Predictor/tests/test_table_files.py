from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from bankchurn.batch.predict_file import predict_file
from bankchurn.batch.scoring import on_all_cores
from bankchurn.data.table_files import TableWriter
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.sample import generate_sample
from servicekit.files import DataError


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_folder_in_the_place_is_refused_before_there_is_anything_to_write(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(DataError, match=r"out\.csv is a folder\. Give the name of a file\."):
        TableWriter(tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written: Not a directory"):
        TableWriter(tmp_path / "file" / "out.csv")


@pytest.mark.parametrize("destination", ["out.csv", "out.parquet"])
def test_a_place_that_is_taken_in_the_meantime_is_an_error_with_a_remedy(
    tmp_path: Path, destination: str
) -> None:
    def write() -> None:
        with TableWriter(tmp_path / destination) as writer:
            writer.write_rows(generate_sample(10))
            (tmp_path / destination).mkdir()

    with pytest.raises(DataError, match=r"cannot be written: Is a directory\. Give a place"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == [destination]


@pytest.mark.parametrize("destination", ["out.csv", "out.parquet"])
def test_a_table_that_does_not_fit_the_disk_leaves_nothing_behind(
    predictor: ChurnPredictor,
    tmp_path: Path,
    largest_file: Callable[[int], AbstractContextManager[None]],
    destination: str,
) -> None:
    generate_sample(500).to_csv(tmp_path / "in.csv", index=False)
    before = contents(tmp_path)
    with (
        pytest.raises(DataError, match=r"File too large\. Raise the limit on the size of files"),
        largest_file(8 * 1024),
    ):
        predict_file(on_all_cores(predictor), tmp_path / "in.csv", tmp_path / destination)
    assert contents(tmp_path) == before
