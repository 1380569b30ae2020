"""The work of the shadow's process: it opens the challenger, answers rows, and logs the answers."""

import ctypes
import json
import os
import pickle
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final

from modelseal import SealedModelError, open_sealed

from modelwatch.log import PredictionLog
from modelwatch.schema import SHADOW
from modelwatch.shadow.challenger import AnswerRows, Challenger, MakeAnswerer, Rows, codes_of
from modelwatch.store import open_store

__all__ = ["main"]

CLOSE_S: Final = 4.0
"""Seconds to write what is answered, at the end. The service waits a little longer."""

_REPORT_S: Final = 1.0
_WARN_EVERY_S: Final = 60.0
_MAX_TEXT: Final = 1_000
_NICEST: Final = 19
_FIRST_TO_BE_KILLED: Final = "1000"
_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Run the process. Arguments: the number of the open socket, and of the parent process."""
    _end_with(int(sys.argv[2]))
    _yield_to_others()
    with Connection(int(sys.argv[1])) as service:
        challenger: Challenger = pickle.loads(service.recv_bytes())  # noqa: S301 - of the parent
        try:
            sha256, answer = open_challenger(challenger)
        except SealedModelError as error:
            _send(service, refused=f"{error.code}: {error}"[:_MAX_TEXT])
            return
        except Exception as error:  # noqa: BLE001 - a model may raise anything; the service reports it
            _send(service, refused=f"unexpected: {type(error).__name__}: {error}"[:_MAX_TEXT])
            return
        _Worker(service, challenger, sha256, answer).run()


def open_challenger(challenger: Challenger) -> tuple[str, AnswerRows]:
    """Verify, load and prove the challenger; its SHA-256, and what answers rows.

    Raises:
        SealedModelError: It is refused.
        Exception: It belongs to another service.
    """
    make: MakeAnswerer = resolve_name(challenger.answerer)
    opened = open_sealed(
        challenger.folder, expected_sha256=challenger.sha256, signers=challenger.signers
    )
    return opened.sha256, make(opened)


class _Worker:
    def __init__(
        self, service: Connection, challenger: Challenger, sha256: str, answer: AnswerRows
    ) -> None:
        self._service = service
        self._sha256 = sha256
        self._answer = answer
        self._failed = 0
        self._warned_at = float("-inf")
        self._reported: tuple[int, int, int] | None = None
        self._log = PredictionLog(
            open_store(challenger.log),
            challenger.schema,
            flush_s=challenger.flush_s,
            warn=lambda message: _send(service, warning=f"Shadow: {message}"),
            folder=SHADOW,
        )

    def run(self) -> None:
        """Answer until the service says, with an empty message, that it ends, or is gone."""
        self._log.start()
        _send(self._service, opened=self._sha256)
        try:
            while received := self._receive():
                requests: list[Rows] = pickle.loads(received)  # noqa: S301 - of the parent
                self._answer_all(requests)
                self._report(answered=True)
        finally:
            self._log.close(CLOSE_S)
        self._report(answered=False)

    def _receive(self) -> bytes:
        try:
            while not self._service.poll(_REPORT_S):
                self._report(answered=False)
            return self._service.recv_bytes()
        except EOFError:
            return b""

    def _answer_all(self, requests: Sequence[Rows]) -> None:
        """Answer rows together; if that fails, each alone, so that only the wrong ones are lost."""
        rows = [row for one in requests for row in one.rows]
        try:
            features, answers = self._answer(rows)
            if not len(features) == len(answers) == len(rows):
                raise ValueError(f"{len(answers)} answers to {len(rows)} rows")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - a model may raise anything; counted and reported
            if len(rows) > 1:
                for one in requests:
                    for name, row in zip(one.prediction_ids, one.rows, strict=True):
                        self._answer_all([one._replace(prediction_ids=[name], rows=[row])])
                return
            self._failed += 1
            self._warn(f"the challenger cannot answer: {type(error).__name__}: {error}")
            return
        first = 0
        for one in requests:
            own = slice(first, first + len(one.rows))
            self._log.record_all(
                one.prediction_ids,
                request_id=one.request_id,
                model=self._sha256,
                features=features[own],
                outputs=list(map(vars, answers[own])),
                warnings=list(map(codes_of, answers[own])),
                at=one.time,
            )
            first = own.stop

    def _report(self, *, answered: bool) -> None:
        log = self._log.counts()
        counts = log.written, self._failed, log.dropped
        if answered or counts != self._reported:
            self._reported = counts
            _send(self._service, counts=counts, answered=answered)

    def _warn(self, message: str) -> None:
        if time.monotonic() - self._warned_at >= _WARN_EVERY_S:
            self._warned_at = time.monotonic()
            _send(self._service, warning=f"Shadow: {message}"[:_MAX_TEXT])


def _send(service: Connection, **message: Any) -> None:  # noqa: ANN401 - any JSON value
    """Send a message, such as the counts, to the service."""
    try:
        service.send_bytes(json.dumps(message).encode())
    except OSError:
        # The service is gone, and nobody is left to tell.
        sys.exit(1)


def _end_with(parent: int) -> None:
    """Have this process killed when the thread that started it ends, also if it is stopped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It ended before.
        sys.exit(1)


def _yield_to_others() -> None:
    """Run only where nothing else wants to, and be killed first where memory is short."""
    os.nice(_NICEST)
    with suppress(OSError):  # another system than Linux, or a sandbox
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_BE_KILLED, encoding="ascii")
