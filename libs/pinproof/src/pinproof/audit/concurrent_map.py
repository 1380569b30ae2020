"""Asks many questions at a time, but not too many."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from pinproof.audit.http_client import WebError

__all__ = ["WORKERS", "Progress", "concurrent_map", "silent"]

Question = TypeVar("Question")
Reply = TypeVar("Reply")

Progress = Callable[[str, int, int], None]
"""Is told what is done, how many are, and how many there are."""

WORKERS = 8
_TOLD = 10


def silent(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def concurrent_map(
    ask: Callable[[Question], Reply],
    questions: Iterable[Question],
    *,
    what: str = "",
    progress: Progress = silent,
) -> dict[Question, Reply]:
    """Ask each question once, `WORKERS` at a time.

    Raises:
        WebError: At least one failed. The message tells of the first ten.
    """
    asked = list(dict.fromkeys(questions))
    failures: dict[Question, WebError] = {}
    replies: dict[Question, Reply] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            futures = {pool.submit(ask, question): question for question in asked}
            for done, future in enumerate(as_completed(futures), start=1):
                progress(what, done, len(asked))
                try:
                    replies[futures[future]] = future.result()
                except WebError as error:
                    failures[futures[future]] = error
        except BaseException:
            # An error that is nobody's answer, or Ctrl-C: do not ask what is not asked yet.
            pool.shutdown(wait=False, cancel_futures=True)
            progress(what, len(asked), len(asked))
            raise
    if failures:
        raise _together([failures[question] for question in asked if question in failures])
    return {question: replies[question] for question in asked}


def _together(errors: list[WebError]) -> WebError:
    if len(errors) == 1:
        return errors[0]
    told = [error.message for error in errors[:_TOLD]]
    if len(errors) > _TOLD:
        told.append(f"And {len(errors) - _TOLD} more.")
    return WebError("\n".join(told), remedy=errors[0].remedy)
