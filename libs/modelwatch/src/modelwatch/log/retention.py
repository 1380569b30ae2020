"""Deletion of what is older than the retention."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from modelwatch.schema import PREDICTIONS, SHADOW
from modelwatch.store import Store

__all__ = ["delete_expired"]

_FOLDERS: Final = (PREDICTIONS, SHADOW, "truth")
_DAY: Final = re.compile(r"(?:predictions|shadow|truth)/day=(\d{4}-\d{2}-\d{2})/[^/]+\.parquet")


def delete_expired(store: Store, *, keep_days: int, today: date | None = None) -> None:
    """Delete the parts of log and truth whose day is more than some days ago.

    Args:
        store: Where the log is kept.
        keep_days: Days to keep.
        today: The current day in UTC; None for now.

    Raises:
        StoreError: The store failed.
    """
    oldest = ((today or datetime.now(UTC).date()) - timedelta(days=keep_days)).isoformat()
    for name in (name for folder in _FOLDERS for name in store.names(folder)):
        if (found := _DAY.fullmatch(name)) and found[1] < oldest:
            store.delete(name)
