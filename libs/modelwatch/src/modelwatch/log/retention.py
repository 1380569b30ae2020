"""Deletion of what is older than the retention."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from modelwatch.schema import PREDICTIONS, SHADOW
from modelwatch.store import Store

__all__ = ["delete_expired"]

_TABLES: Final = (PREDICTIONS, SHADOW, "truth")


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
    for table in _TABLES:
        store.delete_before(table, oldest)
