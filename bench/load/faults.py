"""Put load on one service while clients, models and disks fail.

Run by ``make load-test-faults-SERVICE`` in the service's environment. Two models are trained and
sealed, and what each answers to every question of the mix is recorded. Then the service is under
load by clients that ask, by slow and half-open ones, and by ones that vanish in the middle of an
answer. Meanwhile the folder of its model is replaced by the other model and by a broken one, it is
restarted, and the disk of its log is full. Every accepted request must be answered or refused with
a documented status, and every answer must be, as a whole, that of one of the two models. Exit
codes: 0 that holds, 1 it does not.
"""

import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

from locust_run import Locust, make_parser, positive, read_summary
from replaceable_service import NO_ROOM, ReplaceableService
from run import tell
from sample_service import SampleService, train_on_small_sample

# Of hostile_users.py, together.
HOSTILE: Final = 8
# The load ends when all faults have passed, however long restarts take.
LONGEST_S: Final = 3600
SEEDS: Final = {"first": 42, "second": 43}


def main() -> int:
    """Test the service that the command line names; the exit code."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "--seconds",
        type=positive,
        default=60,
        help="Length of all faults together, without restarts, in s. Default: 60.",
    )
    given = parser.parse_args()
    reports: Path = given.reports
    reports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="load-faults-") as folder:
        samples = {
            name: train_on_small_sample(given.service, _new(folder, name), seed=seed, tell=print)
            for name, seed in SEEDS.items()
        }
        asked = Locust(given.locust, given.service, "", secrets.token_hex(32), reports)
        wrong = run_faults(asked, samples, Path(folder) / "live", given.users, given.seconds)
    for text in wrong:
        print(f"error: {text}", file=sys.stderr)  # noqa: T201 - a command line
    return 1 if wrong else 0


def run_faults(
    locust: Locust, samples: dict[str, SampleService], live: Path, users: int, seconds: float
) -> list[str]:
    """Go through all faults under load, and print the figures; what is wrong.

    Args:
        locust: Locust, for any address.
        samples: The service with its first and its second model, by `SEEDS`' names.
        live: Folder to serve from; it does not exist yet.
        users: Number of clients, without hostile ones.
        seconds: Length of all faults, without restarts.
    """
    options = ["--hostile"]
    for name, sample in samples.items():
        with sample.served({"API_KEYS": locust.key, "DRAIN_S": "0"}) as process:
            options.append(f"--sealed-answers={_record(replace(locust, url=process.url), name)}")
    with ReplaceableService(samples["first"], live, locust.key, locust.reports) as served:
        load, file = replace(locust, url=served.url).start(
            "summary", users=users + HOSTILE, seconds=LONGEST_S, options=options
        )
        try:
            wrong = list(_faults(served, samples, seconds))
        finally:
            load.send_signal(signal.SIGTERM)
            load.wait()
        served.stop()
        wrong += served.wrong
    summary = read_summary(file)
    tell(summary)
    return [*wrong, *_missing(summary), *summary["broken"]]


def _new(folder: str, name: str) -> Path:
    made = Path(folder) / name
    made.mkdir()
    return made


def _record(asked: Locust, name: str) -> Path:
    """Record what a model answers to every question of the mix; the file."""
    print(f"Recording the answers of the {name} model", flush=True)  # noqa: T201
    answers = asked.reports.absolute() / "answers" / f"{name}.json"
    answers.parent.mkdir(exist_ok=True)
    code, summary = asked.run(
        f"recording-{name}",
        users=1,
        seconds=LONGEST_S,
        options=["--record", str(answers)],
        quiet=True,
    )
    if code != 0:
        tell(summary)
        sys.exit("The service answers wrongly without faults: correct that first.")
    return answers


def _faults(
    served: ReplaceableService, samples: dict[str, SampleService], seconds: float
) -> Iterator[str]:
    """Go through the faults; yields what is wrong."""
    first, second = samples["first"], samples["second"]

    def hold(title: str, expected: SampleService | None) -> Iterator[str]:
        print(title, flush=True)  # noqa: T201
        yield from served.differences(title, expected)
        time.sleep(seconds / 6)
        yield from served.differences(f"{title}, at the end", expected)

    yield from hold("Slow, half-open and vanishing clients", first)
    served.replace(second)
    yield from hold("The model folder is replaced by the second model", first)
    served.restart(log=NO_ROOM)
    yield from hold("Restarted; the disk of the log is full", second)
    served.replace(first, broken=True)
    yield from hold("The model folder is replaced by a broken model", second)
    if not served.metric("log_lines_dropped"):
        yield "No log line was dropped: the disk of the log was not full"
    served.restart()
    yield from hold("Restarted; the broken model is refused", None)
    served.replace(first)
    served.restart()
    yield from hold("Restarted with the first model", first)


def _missing(summary: dict[str, Any]) -> Iterator[str]:
    """What did not happen, so that nothing was tested."""
    for name in SEEDS:
        if not summary["by_model"].get(name):
            yield f"No answer was that of the {name} model: raise SECONDS"
    if not summary["refused"]:
        yield "No request was refused while the model was broken: raise SECONDS"


if __name__ == "__main__":
    sys.exit(main())
