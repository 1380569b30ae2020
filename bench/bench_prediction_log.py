"""Measures what the prediction log costs a request, and what a shadow costs besides: CPU time.

Trains one service on a small sample and serves it without a log and with one, then with a log and
with a log and a shadow, whose challenger is the same model. Each pair is served several times,
because the same program takes a little more or less time in each process. Both answer the same
requests in many short rounds, in alternating order, because the machine is noisy. The result is
what is added in a round: the median for the thread that answers, in which answers are recorded,
and the mean for the whole process, whose other threads work in some of the rounds. The process of
the challenger is not in it.

Run by ``make bench-prediction-log`` in each service's environment.
"""

import json
import os
import statistics
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

from measuring import machine, make_parser, write_results
from rich.console import Console
from sample_service import SampleService, train_on_small_sample
from servicekit.launch import ServiceProcess

PAIRS: Final = 16
ROUNDS: Final = 40
ROWS: Final = 30
FLUSH_S: Final = 1


@dataclass(frozen=True)
class Question:
    """A request that is repeated.

    Attributes:
        path: Its path.
        body: Its body.
        rows: Rows in it.
        times: How often it is sent in a round.
    """

    path: str
    body: bytes
    rows: int
    times: int


class Taken(NamedTuple):
    """The CPU time of a row in a round, in microseconds.

    Attributes:
        without: Of the process without it.
        added: What the log or the shadow adds to the thread that answers.
        added_in_all: What it adds to the process.
    """

    without: float
    added: float
    added_in_all: float


def main() -> None:
    """Measure one service, and write its results."""
    parser = make_parser(__doc__)
    parser.add_argument("service", type=Path, help="Folder of the service.")
    given = parser.parse_args()
    console = Console(highlight=False)
    description = tomllib.loads((given.service / "service.toml").read_text(encoding="utf-8"))
    questions = list(_questions(description["demo"]["requests"]))
    if not questions:
        console.print(f"{given.service} answers no requests with rows: nothing to measure")
        return
    before = os.getloadavg()[0]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        sample = train_on_small_sample(given.service, folder, seed=1, tell=console.print)
        log = {"PREDICTION_LOG": str(folder / "log"), "PREDICTION_LOG_FLUSH_S": str(FLUSH_S)}
        shadow = log | {"SHADOW_MODEL_DIR": str(sample.model)}
        found = [
            {"adds": name, **_summary(question, rounds)}
            for name, off, on in (("log", {}, log), ("shadow", log, shadow))
            for question, rounds in _measure(sample, off, on, questions).items()
        ]
    document = {
        "machine": machine(),
        "load_average": [before, os.getloadavg()[0]],
        "pairs": PAIRS,
        "rounds": ROUNDS,
        "flush_s": FLUSH_S,
        "requests": found,
    }
    write_results(given.out, document)
    for one in found:
        console.print(
            f"{one['path']}, {one['rows']} rows: {one['cpu_us']:,.0f} us of CPU for a row without "
            f"the {one['adds']}; with it {one['added_us']:+.1f} us "
            f"({one['added_us'] / one['cpu_us']:+.1%}) where it is answered, "
            f"{one['added_in_all_us']:+.1f} us in all"
        )


def _questions(demo: list[dict[str, Any]]) -> Iterator[Question]:
    """The first requests of the demonstration for one row and for a batch."""
    found: dict[bool, Question] = {}
    for request in demo:
        body = request.get("body")
        if body is None or request.get("status", 200) != 200 or "?" in request["path"]:  # noqa: PLR2004
            continue
        lists = {name: rows for name, rows in body.items() if isinstance(rows, list)}
        filled = body | {name: (rows * ROWS)[:ROWS] for name, rows in lists.items()}
        rows = ROWS if lists else 1
        question = Question(request["path"], json.dumps(filled).encode(), rows, ROWS // rows)
        found.setdefault(bool(lists), question)
    yield from found.values()


def _measure(
    sample: SampleService,
    without: Mapping[str, str],
    with_it: Mapping[str, str],
    questions: Sequence[Question],
) -> dict[Question, list[Taken]]:
    taken: dict[Question, list[Taken]] = {question: [] for question in questions}
    for pair in range(PAIRS):
        settings = (without, with_it) if pair % 2 else (with_it, without)
        with ExitStack() as served:
            one, other = (served.enter_context(sample.served(each)) for each in settings)
            off, on = (one, other) if pair % 2 else (other, one)
            for question in questions:
                taken[question] += _compare(off, on, question)
    return taken


def _compare(off: ServiceProcess, on: ServiceProcess, question: Question) -> list[Taken]:
    found = []
    for number in range(ROUNDS + 1):
        order = (off, on) if number % 2 else (on, off)
        taken = {server.pid: _cpu_us_of_a_row(server, question) for server in order}
        if number:  # the first one warms up
            thread, whole = (
                one - other for one, other in zip(taken[on.pid], taken[off.pid], strict=True)
            )
            found.append(Taken(taken[off.pid][1], thread, whole))
    return found


def _summary(question: Question, rounds: list[Taken]) -> dict[str, Any]:
    low, median, high = statistics.quantiles((one.added for one in rounds), n=4)
    return {
        "path": question.path,
        "rows": question.rows,
        "cpu_us": statistics.median(one.without for one in rounds),
        "added_us": median,
        "quartiles_us": [low, high],
        "added_in_all_us": statistics.fmean(one.added_in_all for one in rounds),
    }


def _cpu_us_of_a_row(server: ServiceProcess, question: Question) -> list[float]:
    """The CPU time of the answering thread and of the process."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    before = _cpu_ns(server.pid)
    try:
        for _ in range(question.times):
            connection.request(
                "POST", question.path, question.body, {"Content-Type": "application/json"}
            )
            response = connection.getresponse()
            response.read()
            if response.status != 200:  # noqa: PLR2004
                sys.exit(f"{question.path} answered {response.status}")
    finally:
        connection.close()
    rows = question.times * question.rows
    return [
        (after - earlier) / 1e3 / rows
        for after, earlier in zip(_cpu_ns(server.pid), before, strict=True)
    ]


def _cpu_ns(pid: int) -> tuple[int, int]:
    """The CPU time so far: of the main thread, and of all threads."""
    threads = {
        one.name: int((one / "schedstat").read_text().split()[0])
        for one in Path(f"/proc/{pid}/task").iterdir()
    }
    return threads[str(pid)], sum(threads.values())


if __name__ == "__main__":
    main()
