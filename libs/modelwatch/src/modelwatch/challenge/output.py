"""The files of a decision."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from modelseal.temporary_outputs import Temporary

from modelwatch.challenge.decision import Decision
from modelwatch.challenge.decision_files import DECISION, PAGE, PATCH
from modelwatch.challenge.page import render_page
from modelwatch.errors import ChallengeError
from modelwatch.reporting.output import finite

__all__ = ["Files", "check_folder", "write_decision"]


class Files(NamedTuple):
    """What is written of a challenge.

    Attributes:
        decision: The decision.
        patch: The patch of the release file; None for none.
        challenger: Folder of the challenger; None if none was sealed.
        report: Folder of the report of its training, which may be missing.
    """

    decision: Decision
    patch: str | None
    challenger: Path | None
    report: Path


def check_folder(out: Path) -> None:
    """Refuse a folder that holds something else than an earlier decision.

    Raises:
        ChallengeError: It does, or cannot be read.
    """
    try:
        if out.exists() and any(out.iterdir()) and not (out / DECISION).is_file():
            raise ChallengeError(
                f"{out} holds other files than those of a decision.",
                remedy="Give another folder, or remove it.",
            )
    except OSError as error:
        raise ChallengeError(
            f"{out} cannot be used: {error.strerror}.", remedy="Give another folder."
        ) from error


def write_decision(files: Files, out: Path) -> None:
    """Write decision.json, decision.html, the challenger, its report and, if any, the patch.

    The folder appears, or replaces that of an earlier decision, in one step.

    Raises:
        OSError: The folder cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    document = json.dumps(finite(files.decision.document()), indent=2, allow_nan=False)
    texts = {DECISION: document + "\n", PAGE: render_page(files.decision)}
    if files.patch is not None:
        texts[PATCH] = files.patch
    with Temporary(out) as temporary:
        temporary.path.mkdir()
        for name, text in texts.items():
            # Without conversion of line ends: a patch has those of its file.
            (temporary.path / name).write_bytes(text.encode())
        for folder in (files.challenger, files.report):
            if folder is not None and folder.is_dir():
                shutil.copytree(folder, temporary.path / folder.name)
        temporary.put_folder()
