"""Thresholds of a load test: the exit code, and messages that say what to do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from load_user import NOT_ACCEPTED, REFUSED, LoadUser
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust_run import THRESHOLDS
from memory_watch import MemoryWatch

FAILED: Final = 1
_WATCHES: Final[dict[Environment, MemoryWatch]] = {}


@events.init_command_line_parser.add_listener
def _add_options(parser: LocustArgumentParser) -> None:
    for option, meaning in THRESHOLDS.items():
        parser.add_argument(option, type=float, help=meaning)
    parser.add_argument("--summary", type=Path, help="File for figures and broken thresholds.")


@events.test_start.add_listener
def _start(environment: Environment, **_: object) -> None:
    options = environment.parsed_options
    if options is not None and options.max_growth is not None and environment.host:
        watch = _WATCHES[environment] = MemoryWatch(environment.host, float(options.run_time))
        watch.start()


@events.quitting.add_listener
def _judge(environment: Environment, **_: object) -> None:
    options = environment.parsed_options
    if options is None:
        return
    summary = _figures(environment)
    summary["broken"] = list(_broken(environment, options, summary))
    for watch in _WATCHES.values():
        summary["memory"] = watch.figures()
        summary["broken"] += watch.broken(options.max_growth)
    environment.process_exit_code = FAILED if summary["broken"] else 0
    if options.summary:
        options.summary.write_text(json.dumps(summary, indent=2), encoding="utf-8")


def _figures(environment: Environment) -> dict[str, Any]:
    total, entries = environment.stats.total, environment.stats.entries
    elsewhere = (NOT_ACCEPTED, REFUSED)
    away = sum(one.num_requests for (name, _), one in entries.items() if name == NOT_ACCEPTED)
    requests = total.num_requests - away
    seconds = max((total.last_request_timestamp or 0) - total.start_time, 1e-9)
    return {
        "requests": requests,
        "failures": total.num_failures,
        "rate": round(requests / seconds, 1),
        "p50_ms": round(total.get_response_time_percentile(0.5), 1),
        "p99_ms": round(total.get_response_time_percentile(0.99), 1),
        "kinds": {
            name: {"requests": one.num_requests, "p99_ms": one.get_response_time_percentile(0.99)}
            for (name, _), one in sorted(entries.items())
            if name not in elsewhere
        },
        "refused": LoadUser.checker.refused,
        "by_model": dict(LoadUser.checker.answers.by_model),
        "examples": list(LoadUser.examples.found.values()),
    }


def _broken(environment: Environment, options: Any, found: dict[str, Any]) -> Iterator[str]:  # noqa: ANN401
    """Each broken threshold, with the remedy."""
    requests, failures = found["requests"], found["failures"]
    if not requests:
        yield "No request was sent: raise SECONDS"
        return
    allowed = options.max_failures or 0.0
    if failures > allowed * requests:
        yield (
            f"{failures:,} of {requests:,} requests failed, share {failures / requests:.4f}, at"
            f" most {allowed:g}: the first failures are in summary.json; correct the"
            " service, lower USERS, or allow a share with MAX_FAILURES"
        )
    if options.max_p99_ms is not None and found["p99_ms"] > options.max_p99_ms:
        yield (
            f"The 99th percentile was {found['p99_ms']:g} ms, at most {options.max_p99_ms:g} ms:"
            " lower USERS, add pods, or raise P99_MS"
        )
    if options.min_rate is not None and found["rate"] < options.min_rate:
        yield (
            f"{found['rate']:g} answers per second, at least {options.min_rate:g}: raise USERS if"
            " the service is idle, add pods if it is not, or lower RATE"
        )
    if environment.runner is not None and environment.runner.exceptions:
        errors = [str(one["msg"]) for one in environment.runner.exceptions.values()]
        yield f"The load test itself failed, correct it: {'; '.join(errors)}"
