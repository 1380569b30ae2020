"""The folder of a report: ``evaluation.json``."""

from pathlib import Path
from typing import Final

from servicekit.files import NewFile, make_folder

from nlpinsight.evaluation.metrics import Report

__all__ = ["EVALUATION", "check_folder", "write_report"]

EVALUATION: Final = "evaluation.json"


def check_folder(folder: Path) -> None:
    """Check that a report could be written into a folder, before the work that it reports on.

    Raises:
        DataError: It could not.
    """
    make_folder(folder)
    NewFile(folder / EVALUATION).discard()


def write_report(report: Report, folder: Path) -> Path:
    """Write ``evaluation.json``.

    Returns:
        What was written.

    Raises:
        DataError: It cannot be written. What stood in the folder stands there as it was.
    """
    make_folder(folder)
    path = folder / EVALUATION
    with NewFile(path) as file:
        file.write((report.model_dump_json(indent=2) + "\n").encode())
    return path
