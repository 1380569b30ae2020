"""The prediction log: a bounded queue, and a thread that writes it to a store."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from itertools import repeat
from random import getrandbits
from typing import Any, Final

from modelwatch.errors import StoreError
from modelwatch.log.counts import LogCounts
from modelwatch.log.part_encoder import Part, PartEncoder
from modelwatch.log.records import Answers, ReadValues, Record, RecordReader, day_of
from modelwatch.log.retention import delete_expired
from modelwatch.schema import PREDICTIONS, LogSchema
from modelwatch.store import FolderStore, Store

__all__ = ["PART_ROWS", "PredictionLog"]

PART_ROWS: Final = 10_000
"""Most records of one part. So many are written at once, before the time of the next write."""

# Seconds between two looks of the thread at what was recorded. Waking it for each request would
# cost more than the record. Objects that are kept for seconds slow every request: the garbage
# collector visits them, and new objects are made in memory that is not in the processor's caches.
_READ_S: Final = 0.05

# Answers that may be unread, besides those of the latest request. More come only while the thread
# waits for the store. Unread answers keep all that their requests have made in memory.
_MAX_UNREAD: Final = 1_000

_zip: Final[ReadValues] = partial(zip, strict=True)

_WARN_EVERY_S: Final = 60.0
_RETRY_WHEN_CLOSING_S: Final = 0.5


class PredictionLog:
    """Writes records of answers to a store, as parts, each of one day (UTC).

    If the store fails, records wait in bounded memory, most of them as parts, and further ones are
    dropped and counted. Each part is tried again under its own name until it is written, so that it
    is there once.

    Args:
        store: Where the log is kept.
        schema: What is logged.
        flush_s: Seconds between two writes. A process that is killed loses what it recorded in
            this time and during the last write.
        max_waiting: Most records that wait.
        sample: Share of the answers that are logged. The prediction id decides.
        keep_days: Days after which log and truth are deleted; None for never.
        warn: Called with a sentence while writing fails, at most once a minute.
        folder: Folder of the parts in the log.
    """

    def __init__(
        self,
        store: Store,
        schema: LogSchema,
        *,
        flush_s: float = 10.0,
        max_waiting: int = 100_000,
        sample: float = 1.0,
        keep_days: int | None = None,
        warn: Callable[[str], None],
        folder: str = PREDICTIONS,
    ) -> None:
        self._store = store
        self._flush_s = flush_s
        self._max_waiting = max_waiting
        self._sample_below = None if sample >= 1 else int(sample * 2**64)
        self._keep_days = keep_days
        self._expired_on = ""
        self._warn = warn
        self._warned_at = float("-inf")
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        # Plain tuples are made without a call.
        self._given: deque[tuple[Any, ...]] = deque()
        self._records: deque[Record] = deque()
        self._parts: deque[Part] = deque()
        self._recorded = self._sampled_out = self._written = self._dropped = self._waiting = 0
        self._unread = self._invalid = 0
        self._closed = False
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._reader = RecordReader(schema)
        self._encoder = PartEncoder(schema, folder)
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread.start()

    def new_ids(self, count: int) -> list[str | None]:
        """Names of the answers to a request, which the client gets.

        Args:
            count: Number of answers.

        Returns:
            New prediction ids; None for an answer that the sample leaves out.
        """
        # Few calls: a call in code that runs once for each request takes about a microsecond.
        first = f"{getrandbits(128):032x}"
        ids: list[str | None] = [first]
        if count != 1:
            ids = [f"{first}-{number}" for number in range(count)]
        if self._sample_below is None:
            return ids
        return [one if self._is_sampled(one) else None for one in ids]

    def record_all(
        self,
        prediction_ids: Sequence[str | None],
        *,
        request_id: str,
        model: str,
        features: Iterable[Mapping[str, object]],
        outputs: Iterable[Mapping[str, object]],
        keys: Iterable[Mapping[str, object]] | None = None,
        warnings: Iterable[Sequence[str]],
        at: float | None = None,
    ) -> None:
        """Record the answers to a request. Never blocks, nor raises because of store or values.

        The values are read later, mostly in another thread, and must not be changed.

        Args:
            prediction_ids: Names of the answers, as of `new_ids`.
            request_id: The id of the request.
            model: Digest of the model.
            features: The features of each answer; undeclared ones are ignored, missing ones are
                null.
            outputs: The outputs of each answer, likewise.
            keys: The parts of the business key of each answer, likewise; None for none.
            warnings: Codes of the warnings of each answer.
            at: When they were given, in seconds since 1970; None for now.
        """
        if keys is None:
            keys = repeat({}, len(prediction_ids))
        self.record_later(
            prediction_ids,
            _zip,
            (features, outputs, keys, warnings),
            request_id=request_id,
            model=model,
            at=time.time() if at is None else at,
        )

    def record_later(
        self,
        prediction_ids: Sequence[str | None],
        read: ReadValues,
        given: tuple[Any, ...],
        *,
        request_id: str,
        model: str,
        at: float,
    ) -> None:
        """Record answers as `record_all` does, whose values a function makes later.

        Args:
            prediction_ids: Names of the answers, as of `new_ids`.
            read: Makes the values, as `Answers.read`. It is called in the log's thread, or by a
                later call of this method if many answers are unread.
            given: What it is called with.
            request_id: The id of the request.
            model: Digest of the model.
            at: When they were given, in seconds since 1970.
        """
        # A request pays for every line: code that runs once for each is not in the processor's
        # caches, and takes several times what it takes in a loop.
        count = kept = len(prediction_ids)
        if self._sample_below is not None:
            prediction_ids = [one if self._is_sampled(one) else None for one in prediction_ids]
            kept -= prediction_ids.count(None)
        with self._lock:
            self._recorded += count
            self._sampled_out += count - kept
            if not kept or self._closed or self._waiting + kept > self._max_waiting:
                self._dropped += kept
                return
            self._waiting += kept
            self._unread += count
            self._given.append((at, prediction_ids, kept, request_id, model, read, given))
        if self._unread - count > _MAX_UNREAD and self._reading.acquire(blocking=False):
            try:
                self._read_given(leave=_MAX_UNREAD + count)
            finally:
                self._reading.release()

    def counts(self) -> LogCounts:
        """The counts so far."""
        with self._lock:
            return LogCounts(
                self._recorded, self._sampled_out, self._written, self._dropped, self._waiting
            )

    def close(self, timeout_s: float = 5.0) -> LogCounts:
        """Write the waiting records, for at most some seconds, and end. Blocks.

        Returns:
            The final counts; records that could not be written are dropped.
        """
        self._closing.set()
        self._thread.join(timeout_s)
        self._abandoned.set()
        with self._lock:
            self._closed = True
            lost, self._waiting = self._waiting, 0
            self._dropped += lost
        if lost:
            self._warn(f"The prediction log was closed, and {lost} records were lost.")
        return self.counts()

    def _is_sampled(self, prediction_id: str | None) -> bool:
        if prediction_id is None:
            return False
        return self._sample_below is None or _hash(prediction_id) < self._sample_below

    def _run(self) -> None:
        if isinstance(self._store, FolderStore):
            self._store.remove_left()
        succeeded = True
        while self._read_until_due(full_is_due=succeeded):
            succeeded = self._write_all()
            if succeeded and self._keep_days is not None:
                self._expire(self._keep_days)
        while not self._write_all() and not self._abandoned.wait(_RETRY_WHEN_CLOSING_S):
            pass
        self._store.close()

    def _read_until_due(self, *, full_is_due: bool) -> bool:
        """Read what is given, until the next write is due; False if the log is closing."""
        due = time.monotonic() + self._flush_s
        while not self._closing.wait(max(0.0, min(_READ_S, due - time.monotonic()))):
            self._read_all()
            if time.monotonic() >= due or (full_is_due and len(self._records) >= PART_ROWS):
                return True
        return False

    def _read_all(self) -> None:
        with self._reading:
            self._read_given()
        self._warn_of_invalid()

    def _read_given(self, leave: int = 0) -> None:
        """Turn what was given into records, in its order, until few enough answers are unread."""
        while self._given and self._unread > leave:
            answers = Answers(*self._given.popleft())
            with self._lock:
                self._unread -= len(answers.prediction_ids)
            try:
                records = self._reader.read(answers)
            except Exception:  # noqa: BLE001 - reading values may raise anything
                self._drop_invalid(answers.kept)
            else:
                self._records.extend(records)

    def _write_all(self) -> bool:
        """Write what waits now, and not what comes meanwhile; False if the store failed."""
        self._read_all()
        left = len(self._records)
        while self._parts or left:
            if not self._parts:
                left -= self._encode(min(left, PART_ROWS))
                continue
            part = self._parts[0]
            try:
                self._store.put(part.name, part.contents)
            except StoreError as error:
                # Full parts take a small share of the memory that their records take. Small ones
                # would take more, and be many when the store works again.
                while len(self._records) >= PART_ROWS:
                    self._encode(PART_ROWS)
                self._warn_at_most(f"The prediction log cannot be written: {error}")
                return False
            self._parts.popleft()
            with self._lock:
                if not self._closed:
                    self._written += part.rows
                    self._waiting -= part.rows
        return True

    def _encode(self, count: int) -> int:
        """Turn so many of the oldest records into parts; the number."""
        oldest = [self._records.popleft() for _ in range(count)]
        parts, invalid = self._encoder.encode(oldest)
        self._parts.extend(parts)
        self._drop_invalid(invalid)
        self._warn_of_invalid()
        return count

    def _drop_invalid(self, count: int) -> None:
        with self._lock:
            self._invalid += count
            if not self._closed:
                self._dropped += count
                self._waiting -= count

    def _warn_of_invalid(self) -> None:
        with self._lock:
            count, self._invalid = self._invalid, 0
        if count:
            self._warn_at_most(f"{count} records have values of another kind than declared.")

    def _expire(self, keep_days: int) -> None:
        today = day_of(time.time())
        if today == self._expired_on:
            return
        try:
            delete_expired(self._store, keep_days=keep_days)
        except StoreError as error:
            self._warn_at_most(f"Old parts of the prediction log cannot be deleted: {error}")
            return
        self._expired_on = today

    def _warn_at_most(self, message: str) -> None:
        if time.monotonic() - self._warned_at < _WARN_EVERY_S:
            return
        self._warned_at = time.monotonic()
        counts = self.counts()
        self._warn(f"{message} Waiting: {counts.waiting}, dropped: {counts.dropped}.")


def _hash(prediction_id: str) -> int:
    digest = blake2b(prediction_id.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
