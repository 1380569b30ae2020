"""Three months of a service: traffic, truth, reports, a challenge and a promotion."""

import json
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from alerts import Alert, firing_alerts
from clock import Clock
from commands import interrupts_later, run
from csv_files import write_labelled, write_outcomes, write_rows
from declaration import LoopedService
from release_repository import Model, ReleaseRepository
from schedule import (
    ALL_KNOWN,
    CHALLENGE,
    DRIFT,
    END,
    FIRST,
    PROMOTION,
    REPORTS,
    TRUTH_AFTER,
    WEEK,
    WINDOW,
)
from servicekit.launch import ServiceProcess, wait_until
from traffic import Answered, Row, read_history, read_traffic, send_day

__all__ = ["LoopError", "Simulation"]

_ONE_DAY: Final = timedelta(days=1)
_FLUSH_S: Final = 0.2
_HOUR_OF_COMMANDS: Final = 3
_LEAST_SHARE: Final = 0.9
"""The share of the answers that the shadow has to give, too."""


class LoopError(Exception):
    """The loop did not go as it has to; the message says what failed."""


class Simulation:
    """A simulation. `run` runs it once; then the attributes say what happened.

    Args:
        service: The service.
        work: An existing, empty folder.
        promtool: Path of promtool.
        tell: Called with a day and with what happens on it.
        history: Rows that the champion is trained on.
        per_day: Rows of each day.

    Attributes:
        log: Folder of the prediction log.
        champion: Folder of the sealed champion.
        decision: Folder of the decision about the challenger.
        reports: Folder of each report, by its day.
        alerts: Alerts that fire on the day of each report.
        answered: Every answer.
        labelled: Number of rows that the challenge had.
        commit: The commit of the promotion, as git shows it.
        served: Digest of the model that answered from each day on.
    """

    def __init__(
        self,
        service: LoopedService,
        work: Path,
        *,
        promtool: str,
        tell: Callable[[date, str], None],
        history: int,
        per_day: int,
    ) -> None:
        self.service = service
        self.work = work
        self.history = history
        self.log = work / "log"
        self.champion = work / "champion"
        self.decision = work / "decision"
        self.reports: dict[date, Path] = {}
        self.alerts: dict[date, list[Alert]] = {}
        self.answered: list[Answered] = []
        self.labelled = 0
        self.commit = ""
        self.served: dict[date, str] = {}
        self._promtool = promtool
        self._tell = tell
        self._per_day = per_day
        self._clock = Clock(work / "clock")
        self._delivered = FIRST
        # What killed commands leave goes with the folder.
        temporary = work / "temporary"
        temporary.mkdir()
        self._environment = {"TMPDIR": str(temporary)}

    @property
    def challenger(self) -> Path:
        """Folder of the sealed challenger."""
        return self.decision / "challenger"

    def run(self) -> None:
        """Run it.

        Raises:
            LoopError: It did not go as it has to.
            CommandFailedError: A command failed.
        """
        traffic = self._make_traffic()
        self._train_champion()
        release = ReleaseRepository(
            self.work / "release", self.service.package, self._push(self.champion, "champion")
        )
        self._serve(release.model, traffic, FIRST, CHALLENGE)
        self._challenge(release)
        challenger = self._push(self.challenger, "challenger")
        self._serve(release.model, traffic, CHALLENGE, PROMOTION, shadow=challenger)
        self._check_shadow()
        champion = release.model
        self._promote(release, challenger)
        # In the shadow it shows what it would have answered, and is quickly back.
        self._serve(release.model, traffic, PROMOTION, END, shadow=champion)
        self._clock.set(ALL_KNOWN, _HOUR_OF_COMMANDS)
        self._deliver(ALL_KNOWN)
        self._evaluate_alerts()

    def _make_traffic(self) -> dict[date, list[Row]]:
        days = {"--first": FIRST, "--drift": DRIFT, "--end": END}
        options = [part for name, day in days.items() for part in (name, day.isoformat())]
        options += ["--history", str(self.history), "--per-day", str(self._per_day)]
        program = self.service.folder / "loop" / "traffic.py"
        self._run([self.service.python, program, self.work, *options])
        return read_traffic(self.work / "traffic.jsonl")

    def _train_champion(self) -> None:
        self._tell(FIRST, f"The champion is trained on {self.history:,} rows")
        table = self.work / "history.csv"
        rows = read_history(self.work / "history.jsonl")
        write_rows(table, rows, self.service.outcome)
        folders = ["--out", str(self.champion), "--reports", str(self.work / "training-report")]
        self._run_service("train", "--data", table, *folders, *self.service.train)

    def _serve(
        self,
        model: Model,
        traffic: Mapping[date, list[Row]],
        first: date,
        end: date,
        *,
        shadow: Model | None = None,
    ) -> None:
        """Serve a model for some days, and make the reports of the days after.

        Args:
            model: The model.
            traffic: The rows of each day.
            first: The first day.
            end: The day after the last one.
            shadow: The model that answers in its shadow.
        """
        settings: dict[str, object] = {
            "MODEL_DIR": self._fetch(model),
            "MODEL_SHA256": model.sha256,
            "PREDICTION_LOG": self.log,
            "PREDICTION_LOG_FLUSH_S": _FLUSH_S,
        }
        if shadow is not None:
            settings |= {
                "SHADOW_MODEL_DIR": self._fetch(shadow),
                "SHADOW_MODEL_SHA256": shadow.sha256,
                # A week of traffic takes a second here.
                "SHADOW_CPU_SHARE": 1,
            }
        if model.sha256 not in self.served.values():
            self.served[first] = model.sha256
        names = [one.uri.rpartition("/")[2] for one in (model, shadow) if one is not None]
        self._tell(first, f"Serving the {', and in its shadow the '.join(names)}")
        before = len(self.answered)
        day = first
        self._clock.set(day, _HOUR_OF_COMMANDS)
        with self._process(settings) as process:
            while day < end:
                self.answered += send_day(
                    self.service, process.port, self._clock, day, traffic[day]
                )
                day += _ONE_DAY
                if day in REPORTS:
                    sent = len(self.answered) - before
                    _wait_for(process, 'prediction_log_records_total{state="written"}', sent)
                    if shadow is not None:
                        _wait_for(process, "shadow_answers_waiting", 0)
                    self._report(day)

    @contextmanager
    def _process(self, settings: Mapping[str, object]) -> Iterator[ServiceProcess]:
        command = self._clock.command(self.service.python, self.service.package, "serve")
        with ExitStack() as stack:
            with interrupts_later():
                process = stack.enter_context(ServiceProcess(command, settings))
            process.wait_until_ready()
            if "SHADOW_MODEL_DIR" in settings:
                _wait_for(process, "shadow_up", 1)
            yield process
            code = process.stop()
        if code != 0:
            raise LoopError(f"The service ended with {code} after SIGTERM, not with 0")

    def _report(self, day: date) -> None:
        """Deliver the outcomes that are known on a day, and report the days before it."""
        self._clock.set(day, _HOUR_OF_COMMANDS)
        self._deliver(day)
        since = max(start for start in self.served if start < day)
        first, last = max(day - WINDOW, since), day - _ONE_DAY
        model = self._fetched(self.served[since])
        folder = self.work / "reports" / day.isoformat()
        _, output = self._run(
            self._clock.own_command(
                *("modelwatch", "report", "--log", self.log, "--profile", model),
                *("--service", self.service.package, "--out", folder),
                *("--from", first.isoformat(), "--to", last.isoformat()),
            )
        )
        self.reports[day] = folder
        found = re.search(r"^drifted: +(.*)$", output, re.MULTILINE)
        worse = re.findall(r"^(\w+): .*worse than the reference", output, re.MULTILINE)
        text = f"Report of {first} to {last}. Drifted: {found[1] if found else '?'}"
        self._tell(day, text + (f". Worse: {', '.join(worse)}" if worse else ""))

    def _deliver(self, day: date) -> None:
        """Store the outcomes that have become known."""
        end = day - TRUTH_AFTER
        known = [one for one in self.answered if self._delivered <= one.day < end]
        if not known:
            return
        file = self.work / f"outcomes-{day}.csv"
        write_outcomes(file, known)
        command = self._clock.own_command("modelwatch", "truth", file, "--log", self.log)
        _, output = self._run(command)
        if not re.search(rf"^matched: +{len(known):,}$", output, re.MULTILINE):
            raise LoopError(f"Not all of {len(known):,} outcomes match a prediction:\n{output}")
        self._delivered = end

    def _challenge(self, release: ReleaseRepository) -> None:
        self._clock.set(CHALLENGE, _HOUR_OF_COMMANDS)
        table = self.work / "labelled.csv"
        # Rows from before the change describe a world that is gone.
        self.labelled = write_labelled(
            table, self.log, DRIFT, CHALLENGE - _ONE_DAY, self.service.outcome
        )
        self._tell(CHALLENGE, f"Challenge: {self.labelled:,} rows since {DRIFT} have an outcome")
        status, output = self._run(
            self._clock.own_command(
                *("modelwatch", "challenge", self.service.folder, "--champion", self.champion),
                *("--data", table, "--out", self.decision, "--release", release.file),
                *("--uri", self._uri("challenger"), "--", *self.service.train),
            ),
            accepted=(0, 1),
        )
        if status:
            raise LoopError(f"The challenger is not promoted:\n{output}")
        self._tell(CHALLENGE, "The challenger has passed every gate")

    def _check_shadow(self) -> None:
        """Refuse a challenger whose live answers contradict the challenge."""
        document = json.loads((self.reports[PROMOTION] / "report.json").read_bytes())
        shadow = document["shadow"]
        if shadow is None or shadow["share"] < _LEAST_SHARE:
            raise LoopError(f"The shadow has answered too little: {shadow and shadow['share']}")
        gains = {name: one["gain"] for name, one in shadow["metrics"].items()}
        main = next(iter(gains), None)
        if main is None or gains[main] <= 0:
            raise LoopError(f"In the shadow, the challenger is not better: {gains}")
        self._tell(
            PROMOTION,
            f"The shadow has answered {shadow['pairs']:,} requests, too: {main} {gains[main]:+.3f}",
        )

    def _promote(self, release: ReleaseRepository, challenger: Model) -> None:
        self.commit = release.apply(self.decision / "promotion.patch")
        if release.model != challenger:
            raise LoopError(f"The release file names {release.model}, not {challenger}")
        self._tell(PROMOTION, "The patch is applied and committed")

    def _evaluate_alerts(self) -> None:
        folder = self.work / "alerts"
        folder.mkdir()
        weeks = {(day - FIRST) // WEEK: day for day in self.reports}
        found = firing_alerts(
            self._promtool,
            {week: self.reports[day] / "modelwatch.prom" for week, day in weeks.items()},
            weeks=max(weeks),
            began=_seconds(FIRST),
            repository="https://repository.test",
            folder=folder,
        )
        self.alerts = {weeks[week]: alerts for week, alerts in found.items()}

    def _push(self, folder: Path, name: str) -> Model:
        uri = self._uri(name)
        self._run([sys.executable, "-m", "modelseal", "push", folder, uri])
        return Model(uri, sha256((folder / "manifest.json").read_bytes()).hexdigest())

    def _uri(self, name: str) -> str:
        return (self.work / "bucket" / self.service.package / name).as_uri()

    def _fetch(self, model: Model) -> Path:
        folder = self._fetched(model.sha256)
        options = ["--to", str(folder), "--sha256", model.sha256]
        self._run([sys.executable, "-m", "modelseal", "fetch", model.uri, *options])
        return folder

    def _fetched(self, digest: str) -> Path:
        folder = self.work / "models"
        folder.mkdir(exist_ok=True)
        return folder / digest[:12]

    def _run_service(self, *arguments: str | Path) -> None:
        self._run([self.service.python, "-m", self.service.package, *arguments])

    def _run(
        self, command: Sequence[str | Path], accepted: tuple[int, ...] = (0,)
    ) -> tuple[int, str]:
        return run(command, environment=self._environment, accepted=accepted)


def _wait_for(process: ServiceProcess, metric: str, value: float) -> None:
    """Wait until a metric of a service has a value."""

    def has_value() -> bool:
        with urllib.request.urlopen(f"{process.url}/metrics") as response:  # noqa: S310 - http
            text = response.read().decode()
        return f"\n{metric} {float(value)}\n" in text

    wait_until(has_value, f"{metric} is {value}", poll_s=0.05)


def _seconds(day: date) -> float:
    return float((day - date(1970, 1, 1)) // timedelta(seconds=1))
