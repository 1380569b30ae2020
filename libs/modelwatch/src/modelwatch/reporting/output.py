"""The files of a report."""

import json
import math
from typing import Any

from modelwatch.log.report_metrics import METRICS
from modelwatch.reporting.page import render_page
from modelwatch.reporting.report import Report
from modelwatch.reporting.textfile import render_metrics
from modelwatch.store import FileBasedStore

__all__ = ["finite", "write_report"]


def write_report(report: Report, store: FileBasedStore, *, service: str) -> None:
    """Write report.json, report.html and modelwatch.prom; each replaces an older one in one step.

    Args:
        report: The report.
        store: The folder, which is created if it is missing.
        service: Name of the service, a label of the metrics.

    Raises:
        StoreError: The folder cannot be written.
    """
    document = json.dumps(finite(report.document()), indent=2, allow_nan=False)
    texts = {
        "report.json": document + "\n",
        "report.html": render_page(report),
        # The last one, because it is published: the others are there when an alert fires.
        METRICS: render_metrics(report, service),
    }
    for name, text in texts.items():
        store.put(name, text.encode())


def finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with null instead of NaN and infinities, which JSON has not."""
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
