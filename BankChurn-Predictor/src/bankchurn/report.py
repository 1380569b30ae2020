"""The folder of a report: ``evaluation.json`` and the plots, all of them or none."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from servicekit.files import NewFile, make_folder

from bankchurn.evaluation.metrics import TrainingReport
from bankchurn.plots import PLOTS, draw_plots

__all__ = ["check_folder", "write_report"]

EVALUATION: Final = "evaluation.json"


def check_folder(folder: Path) -> None:
    """Check that a report could be written into a folder, before the work that it reports on.

    Raises:
        DataError: It could not.
    """
    make_folder(folder)
    for name in (EVALUATION, *PLOTS):
        NewFile(folder / name).discard()


def write_report(report: TrainingReport, folder: Path) -> list[Path]:
    """Write ``evaluation.json`` and the plots into one folder.

    Returns:
        What was written.

    Raises:
        DataError: Something cannot be written. The files in the folder are as they were.
    """
    document = report.model_dump_json(indent=2) + "\n"
    contents = {EVALUATION: document.encode(), **draw_plots(report.evaluation)}
    make_folder(folder)
    with ExitStack() as files:
        # All are complete before the first takes its place, which is when the block ends.
        for name, content in contents.items():
            files.enter_context(NewFile(folder / name)).write(content)
    return [folder / name for name in contents]
