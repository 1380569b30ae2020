"""Records the predictions of a batch in the prediction log."""

from pathlib import Path
from typing import Final

from modelwatch.log import LogSettings, open_log
from servicekit.answer_warnings import WARNINGS
from servicekit.files import TryLaterError

from chicagotaxi.batch.reader import read_batch
from chicagotaxi.clock import DAY
from chicagotaxi.forecast.warnings import read_cell
from chicagotaxi.prediction_log import SCHEMA, hour_key

_WRITE_S: Final = 60.0
_DAY_S: Final = DAY * 3600


def log_batch(settings: LogSettings, folder: Path, batch: str) -> int:
    """Record every prediction of a batch, and wait until all are written.

    Args:
        settings: The place of the log; without one, nothing is recorded.
        folder: Folder of the batches.
        batch: Name of the batch.

    Returns:
        Number of predictions in the log.

    Raises:
        TryLaterError: Some could not be written. The batch is complete, and is served.
    """
    log = open_log(settings, SCHEMA)
    if log is None:
        return 0
    info, table = read_batch(folder, batch)
    rows = table.to_pylist()
    log.start()
    log.record_all(
        log.new_ids(len(rows)),
        request_id=info.batch,
        model=info.model.sha256,
        features=[
            {
                "area": str(row["pickup_community_area"]),
                "days_ahead": (row["start"] - info.first_hour).total_seconds() // _DAY_S + 1,
                "day_of_week": row["day_of_week"],
            }
            for row in rows
        ],
        outputs=rows,
        keys=[
            {"area": row["pickup_community_area"], "hour": hour_key(row["start"])} for row in rows
        ],
        warnings=[[warning.code for warning in read_cell(row[WARNINGS])] for row in rows],
    )
    counts = log.close(timeout_s=_WRITE_S)
    if counts.dropped:
        raise TryLaterError(
            f"{counts.dropped:,} of {len(rows):,} predictions are not in the prediction log "
            f"{settings.prediction_log}. The batch {info.batch} is complete, and is served. Check "
            "the log, and run the same command again."
        )
    return counts.written
