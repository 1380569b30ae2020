"""The report of a back-test as a file."""

from pathlib import Path
from typing import Final

from servicekit.files import check_writable, make_folder, write_file

from chicagotaxi.forecast.metrics import BacktestReport

BACKTEST: Final = "backtest.json"


def check_folder(folder: Path, name: str = BACKTEST) -> None:
    """Check that a report can be written into a folder, before the work that makes it.

    Raises:
        DataError: It cannot.
    """
    make_folder(folder)
    check_writable(folder / name)


def write_report(report: BacktestReport, folder: Path, name: str = BACKTEST) -> Path:
    """Write a report into a folder.

    Returns:
        The file.

    Raises:
        DataError: It cannot be written.
    """
    make_folder(folder)
    write_file(folder / name, (report.model_dump_json(indent=2) + "\n").encode())
    return folder / name
