"""Evaluates the repository's alert rules on the metrics of reports, with Prometheus' own engine.

promtool runs rules on series of samples, and compares the alerts that fire with expected ones. It
has no command that only tells them: first, none are expected, and what fires is read from its
complaint; then it has to confirm what was read.
"""

import json
import re
import shutil
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

__all__ = ["Alert", "AlertsError", "find_promtool", "firing_alerts"]

RULES: Final = Path(__file__).resolve().parents[2] / "deploy" / "monitoring" / "rules"

_TIMESTAMP: Final = "modelwatch_report_timestamp_seconds"
_SAMPLE: Final = re.compile(r"(?P<name>\w+)(?P<series>\{.*\}) (?P<value>\S+)")
_FOUND: Final = re.compile(
    r"alertname: (?P<name>\w+), time: (?P<weeks>\d+)[ws],|Labels:\{(?P<labels>.*)\}$"
    r"|Annotations:\{(?P<annotations>.*)\},?$"
)
_PAIR: Final = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')


class AlertsError(Exception):
    """The rules cannot be evaluated; the message has the remedy, or what promtool says."""


class Alert(NamedTuple):
    """An alert that fires.

    Attributes:
        name: Its name, such as ``InputsDrifted``.
        labels: Its labels, without the name.
        annotations: Its annotations: ``summary`` and ``runbook_url``.
    """

    name: str
    labels: dict[str, str]
    annotations: dict[str, str]


def find_promtool() -> str:
    """The path of promtool.

    Raises:
        AlertsError: It is not installed.
    """
    found = shutil.which("promtool")
    if found is None:
        raise AlertsError(
            "promtool, which evaluates the alert rules, is not installed. On Debian and Ubuntu, "
            "make promtool-env-tools installs it; elsewhere, the download of Prometheus has it."
        )
    return found


def firing_alerts(
    promtool: str,
    reports: Mapping[int, Path],
    *,
    weeks: int,
    began: float,
    repository: str,
    folder: Path,
    rules: Path = RULES / "drift.yaml",
) -> dict[int, list[Alert]]:
    """The alerts that fire when each report is there.

    Args:
        promtool: Its path.
        reports: Files with the metrics of reports, by the week in which each was made. They are
            the latest one until the week after.
        weeks: Number of the last week.
        began: Time of week 0, in seconds since 1970: the beginning of promtool's time.
        repository: Address of this repository, for the runbooks.
        folder: An existing folder for the rules and the test.
        rules: Rules in the format of Prometheus' operator.

    Returns:
        The alerts of each week that has a report.

    Raises:
        AlertsError: promtool refuses the rules, or does not confirm what it printed.
    """
    (folder / "rules.yaml").write_text(_plain_rules(rules), encoding="utf-8")
    names = re.findall(r"- alert: (\w+)", rules.read_text(encoding="utf-8"))
    series = _series(reports, weeks=weeks, began=began)
    found: dict[int, list[Alert]] = {week: [] for week in reports}
    asked = _test(series, names, found, repository)
    done = _run(promtool, asked, folder)
    if done.returncode:
        _read_alerts(done.stdout + done.stderr, found)
    confirmed = _run(promtool, _test(series, names, found, repository), folder)
    if confirmed.returncode:
        raise AlertsError(f"promtool: {confirmed.stdout}{confirmed.stderr}")
    return found


def _plain_rules(file: Path) -> str:
    """Rules in the format of Prometheus: what the operator's object has in ``spec``."""
    _, _, spec = file.read_text(encoding="utf-8").partition("\nspec:\n")
    return textwrap.dedent(spec)


def _series(reports: Mapping[int, Path], *, weeks: int, began: float) -> list[dict[str, str]]:
    """The samples of each series, a value for each week; ``_`` where it has none."""
    found: dict[str, list[str]] = {}
    for week, file in sorted(reports.items()):
        for line in file.read_text(encoding="utf-8").splitlines():
            sample = _SAMPLE.fullmatch(line)
            if sample is None:
                continue  # HELP and TYPE
            value = float(sample["value"])
            if sample["name"] == _TIMESTAMP:
                value -= began
            name = sample["name"] + sample["series"]
            found.setdefault(name, ["_"] * (weeks + 1))[week] = repr(value)
    return [{"series": name, "values": " ".join(values)} for name, values in found.items()]


def _test(
    series: list[dict[str, str]],
    names: Sequence[str],
    expected: Mapping[int, Sequence[Alert]],
    repository: str,
) -> str:
    """A test file of promtool; JSON is YAML."""
    cases: list[dict[str, Any]] = [
        {
            "eval_time": f"{week}w",
            "alertname": name,
            "exp_alerts": [
                {"exp_labels": one.labels, "exp_annotations": one.annotations}
                for one in alerts
                if one.name == name
            ],
        }
        for week, alerts in expected.items()
        for name in names
    ]
    test = {
        "interval": "1w",
        "external_labels": {"repository": repository},
        "input_series": series,
        "alert_rule_test": cases,
    }
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1w", "tests": [test]}
    return json.dumps(document, indent=2)


def _run(promtool: str, test: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder / "test.yaml").write_text(test, encoding="utf-8")
    return subprocess.run(  # noqa: S603 - the program that was found
        [promtool, "test", "rules", "test.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def _read_alerts(output: str, found: dict[int, list[Alert]]) -> None:
    """Add the alerts that a failed test names."""
    name, week, labels = "", 0, ""
    for line in output.splitlines():
        match = _FOUND.search(line)
        if match is None:
            continue
        if match["name"]:
            name, week = match["name"], int(match["weeks"])
        elif match["labels"] is not None:
            labels = match["labels"]
        else:
            alert = Alert(name, _pairs(labels), _pairs(match["annotations"]))
            alert.labels.pop("alertname", None)
            found.setdefault(week, []).append(alert)


def _pairs(text: str) -> dict[str, str]:
    return {name: str(json.loads(value)) for name, value in _PAIR.findall(text)}
