"""The files of a report."""

import json
import math
from pathlib import Path
from typing import Any

from modelseal.temporary_outputs import Temporary

from modelwatch.reporting.page import render_page
from modelwatch.reporting.report import Report
from modelwatch.reporting.textfile import render_metrics

__all__ = ["finite", "write_report"]


def write_report(report: Report, folder: Path, *, service: str) -> None:
    """Write report.json, report.html and modelwatch.prom; each replaces an older one in one step.

    Args:
        report: The report.
        folder: The folder, which is created if it is missing.
        service: Name of the service, a label of the metrics.

    Raises:
        OSError: The folder cannot be written.
    """
    document = json.dumps(finite(report.document()), indent=2, allow_nan=False)
    texts = {
        "report.json": document + "\n",
        "report.html": render_page(report),
        "modelwatch.prom": render_metrics(report, service),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with Temporary(folder / name) as temporary:
            temporary.path.write_text(text, encoding="utf-8")
            temporary.put_file()


def finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with null instead of NaN and infinities, which JSON has not."""
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
