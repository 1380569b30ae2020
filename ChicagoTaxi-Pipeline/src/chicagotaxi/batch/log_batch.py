"""Records the predictions of a batch in the prediction log."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from modelwatch.log import LogSettings, open_log
from servicekit.answer_warnings import WARNINGS
from servicekit.files import TryLaterError

from chicagotaxi.batch.reader import read_batch
from chicagotaxi.forecast.warnings import read_cell
from chicagotaxi.prediction_log import SCHEMA, features, hour_key

_WRITE_S: Final = 60.0


class LoggedBatch(NamedTuple):
    """A batch in the prediction log.

    Attributes:
        name: Name of the batch.
        time: When it was logged, in seconds since 1970.
        rows: Its rows.
        prediction_ids: The name of each row in the log; None for rows that the sample leaves out.
        written: Number of predictions in the log.
    """

    name: str
    time: float
    rows: Sequence[dict[str, Any]]
    prediction_ids: Sequence[str | None]
    written: int


def log_batch(settings: LogSettings, folder: Path, batch: str) -> LoggedBatch | None:
    """Record every prediction of a batch, and wait until all are written.

    Args:
        settings: The place of the log; without one, nothing is recorded.
        folder: Folder of the batches.
        batch: Name of the batch.

    Returns:
        What was recorded; None without a log.

    Raises:
        TryLaterError: Some could not be written. The batch is complete, and is served.
    """
    log = open_log(settings, SCHEMA)
    if log is None:
        return None
    info, table = read_batch(folder, batch)
    rows = table.to_pylist()
    now = time.time()
    ids = log.new_ids(len(rows))
    log.start()
    log.record_all(
        ids,
        request_id=info.batch,
        model=info.model.sha256,
        features=features(rows),
        outputs=rows,
        keys=[
            {"area": row["pickup_community_area"], "hour": hour_key(row["start"])} for row in rows
        ],
        warnings=[[warning.code for warning in read_cell(row[WARNINGS])] for row in rows],
        at=now,
    )
    counts = log.close(timeout_s=_WRITE_S)
    if counts.dropped:
        raise TryLaterError(
            f"{counts.dropped:,} of {len(rows):,} predictions are not in the prediction log "
            f"{settings.prediction_log}. The batch {info.batch} is complete, and is served. Check "
            "the log, and run the same command again."
        )
    return LoggedBatch(info.batch, now, rows, ids, counts.written)
