"""Writes ``evaluation.json``."""

from pathlib import Path
from typing import Final

from servicekit.files import check_writable, make_folder, write_file

from nlpinsight.evaluation.evaluation import Report

EVALUATION: Final = "evaluation.json"


def check_folder(folder: Path) -> None:
    """Check that a report can be written into a folder, before the work.

    Raises:
        DataError: It cannot be written.
    """
    make_folder(folder)
    check_writable(folder / EVALUATION)


def write_report(report: Report, folder: Path) -> Path:
    """Write ``evaluation.json``.

    Returns:
        The file.

    Raises:
        DataError: It cannot be written; an existing file is unchanged.
    """
    make_folder(folder)
    path = folder / EVALUATION
    write_file(path, (report.model_dump_json(indent=2) + "\n").encode())
    return path
