"""The folder of a report: ``evaluation.json`` and the plots, all of them or none."""

import logging
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from servicekit.files import NewFile, check_writable, make_folder

from bankchurn.evaluation.metrics import TrainingReport

logger = logging.getLogger(__name__)

_EVALUATION: Final = "evaluation.json"
_FILES: Final = (_EVALUATION, "roc.png", "calibration.png")


def check_folder(folder: Path) -> None:
    """Check that a report can be written into a folder, before the work.

    Raises:
        DataError: It cannot be written.
    """
    make_folder(folder)
    for name in _FILES:
        check_writable(folder / name)


def write_report(report: TrainingReport, folder: Path) -> list[Path]:
    """Write ``evaluation.json`` and, where matplotlib is installed, the plots into one folder.

    Returns:
        The written files.

    Raises:
        DataError: A file cannot be written. The files in the folder are unchanged.
    """
    contents = {_EVALUATION: (report.model_dump_json(indent=2) + "\n").encode()}
    if find_spec("matplotlib") is None:
        logger.warning(
            "No plots were written: matplotlib is not installed (it is in requirements-dev.txt). "
            "The data of the curves is in evaluation.json."
        )
    else:
        contents |= import_module("bankchurn.plots").draw_plots(report.evaluation)
    make_folder(folder)
    with ExitStack() as files:
        # All files are complete before the first takes its place, at the end of the block.
        for name, content in contents.items():
            files.enter_context(NewFile(folder / name)).write(content)
    return [folder / name for name in contents]
