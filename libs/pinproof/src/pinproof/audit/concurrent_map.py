"""Calls a function concurrently, with a bound on the number of calls at a time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from pinproof.audit.http_client import OfflineError, WebError

Key = TypeVar("Key")
Value = TypeVar("Value")

Progress = Callable[[str, int, int], None]
"""Called with a description, the number of finished items, and the number of all items."""

WORKERS = 8
_MAX_MESSAGES = 10


def silent(_what: str, _done: int, _total: int) -> None:
    """Show no progress."""


def concurrent_map(
    call: Callable[[Key], Value],
    keys: Iterable[Key],
    *,
    what: str = "",
    progress: Progress = silent,
) -> dict[Key, Value]:
    """Call a function once for each different key, `WORKERS` calls at a time.

    Raises:
        WebError: At least one call failed. The message has the first ten errors.
    """
    values, failures = try_each(call, keys, what=what, progress=progress)
    if failures:
        raise _merged(list(failures.values()))
    return values


def try_each(
    call: Callable[[Key], Value],
    keys: Iterable[Key],
    *,
    what: str = "",
    progress: Progress = silent,
) -> tuple[dict[Key, Value], dict[Key, WebError]]:
    """Call a function as `concurrent_map` does. Returns the values, and the errors of the others.

    Raises:
        OfflineError: The server cannot be reached.
    """
    unique = list(dict.fromkeys(keys))
    failures: dict[Key, WebError] = {}
    values: dict[Key, Value] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            futures = {pool.submit(call, key): key for key in unique}
            for done, future in enumerate(as_completed(futures), start=1):
                progress(what, done, len(unique))
                try:
                    values[futures[future]] = future.result()
                except OfflineError:
                    # The other calls would fail too.
                    raise
                except WebError as error:
                    failures[futures[future]] = error
        except BaseException:
            # An unexpected error, or Ctrl-C: cancel the calls that have not started.
            pool.shutdown(wait=False, cancel_futures=True)
            progress(what, len(unique), len(unique))
            raise
    return (
        {key: values[key] for key in unique if key in values},
        {key: failures[key] for key in unique if key in failures},
    )


def _merged(errors: list[WebError]) -> WebError:
    if len(errors) == 1:
        return errors[0]
    messages = [error.message for error in errors[:_MAX_MESSAGES]]
    if len(errors) > _MAX_MESSAGES:
        messages.append(f"And {len(errors) - _MAX_MESSAGES} more.")
    return WebError("\n".join(messages), remedy=errors[0].remedy)
