"""The loop: its clock, alerts, commands and release file; and, at night, the whole of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alerts import AlertsError, firing_alerts
from clock import Clock
from commands import CommandFailedError, run
from copies import ROOT, SERVICES
from declaration import NotDeclaredError, read_declaration
from release_repository import Model, ReleaseRepository

LOOPED = [one.name for one in SERVICES if (one.folder / "loop" / "traffic.py").is_file()]
PYTHON = ROOT / "libs/modelwatch/.venv/bin/python"
LOOP = ROOT / "tools" / "loop" / "run_loop.py"
REPOSITORY = "https://repository.test"
BEGAN = 1_767_571_200.0

each_looped = pytest.mark.parametrize("name", LOOPED)


@pytest.fixture(scope="session")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        reason = "promtool is not installed: make promtool-env-tools installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def report(folder: Path, week: int, *samples: str) -> Path:
    """The metrics of a report that was made in a week."""
    file = folder / f"{week}.prom"
    made = f'modelwatch_report_timestamp_seconds{{service="orders"}} {BEGAN + week * 604_800}'
    lines = ["# HELP x y", *samples, made]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def fired(promtool: str, folder: Path, reports: dict[int, Path]) -> dict[int, list[str]]:
    found = firing_alerts(
        promtool,
        reports,
        weeks=max(reports),
        began=BEGAN,
        repository=REPOSITORY,
        folder=folder,
    )
    return {
        week: [f"{one.name}: {one.annotations['summary']}" for one in alerts]
        for week, alerts in found.items()
    }


def test_alerts_fire_in_the_weeks_whose_reports_say_so(promtool: str, tmp_path: Path) -> None:
    drift = 'modelwatch_drift_material{service="orders",column="feature.age"}'
    other = 'modelwatch_drift_material{service="orders",column="feature.income"}'
    worse = 'modelwatch_performance_worse{service="orders",metric="auc"}'

    found = fired(
        promtool,
        tmp_path,
        {
            1: report(tmp_path, 1, f"{drift} 0", f"{other} 0"),
            2: report(tmp_path, 2, f"{drift} 1", f"{other} 0", f"{worse} 0"),
            4: report(tmp_path, 4, f"{drift} 1", f"{other} 1", f"{worse} 1"),
            5: report(tmp_path, 5, f"{other} 0"),
        },
    )

    age = "InputsDrifted: orders: feature.age has drifted from the reference"
    income = "InputsDrifted: orders: feature.income has drifted from the reference"
    auc = "PerformanceWorse: orders: auc is worse than when the model was evaluated"
    assert {week: sorted(alerts) for week, alerts in found.items()} == {
        1: [],
        2: [age],
        4: [age, income, auc],
        5: [],
    }


def test_an_alert_has_its_labels_and_the_address_of_its_runbook(
    promtool: str, tmp_path: Path
) -> None:
    unseen = r'modelwatch_unseen_ratio{service="orders",column="feature.a \"b\""} 0.25'
    files = {1: report(tmp_path, 1, unseen)}

    found = firing_alerts(
        promtool, files, weeks=1, began=BEGAN, repository=REPOSITORY, folder=tmp_path
    )

    [alert] = found[1]
    assert alert.labels == {"service": "orders", "column": 'feature.a "b"', "severity": "ticket"}
    assert alert.annotations == {
        "summary": 'orders: 25% of feature.a "b" are values that the reference has not',
        "runbook_url": f"{REPOSITORY}/docs/runbooks/UnseenValues.md",
    }
    # What is left is a test of these alerts that promtool passes.
    again = subprocess.run(
        [promtool, "test", "rules", "test.yaml"], cwd=tmp_path, capture_output=True, check=False
    )
    assert again.returncode == 0
    assert "UnseenValues" in (tmp_path / "test.yaml").read_text(encoding="utf-8")


def test_rules_that_promtool_refuses_are_an_error(promtool: str, tmp_path: Path) -> None:
    rules = tmp_path / "broken.yaml"
    rules.write_text("kind: x\nspec:\n  groups:\n    - name: a\n      rules: [{alert: A}]\n")
    with pytest.raises(AlertsError, match="promtool"):
        firing_alerts(
            promtool,
            {1: report(tmp_path, 1)},
            weeks=1,
            began=BEGAN,
            repository=REPOSITORY,
            folder=tmp_path,
            rules=rules,
        )


def test_a_process_under_the_clock_has_its_time_and_waits_as_always(tmp_path: Path) -> None:
    (tmp_path / "telling.py").write_text(
        "import sys, threading, time\n"
        "print(time.time(), time.time_ns(), sys.argv[1:], flush=True)\n"
        "sys.stdin.readline()\n"
        "before = time.monotonic()\n"
        "threading.Event().wait(0.05)\n"
        "print(time.time(), time.monotonic() - before >= 0.05)\n"
    )
    clock = Clock(tmp_path / "clock")
    clock.set(date(2026, 2, 2), 9)
    first = datetime(2026, 2, 2, 9, tzinfo=UTC).timestamp()
    process = subprocess.Popen(
        clock.own_command("telling", "a", "b"),
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{first} {round(first * 1e9)} ['a', 'b']\n"
        clock.set(date(2026, 2, 3), 9)
        output, _ = process.communicate("go\n", timeout=60)
        assert output == f"{first + 86_400} True\n"
    finally:
        process.kill()
        process.wait()


def test_modules_of_the_loop_do_not_hide_those_of_a_service(tmp_path: Path) -> None:
    (tmp_path / "traffic.py").write_text("print('of the service')\n")
    clock = Clock(tmp_path / "clock")
    _, output = run(clock.own_command("traffic"), environment={"PYTHONPATH": str(tmp_path)})
    assert output == "of the service\n"


def test_a_command_that_fails_is_named_with_the_end_of_its_output() -> None:
    code = "import sys; print('no such column'); sys.exit(3)"
    with pytest.raises(CommandFailedError, match=r"ended with 3:\nno such column"):
        run([sys.executable, "-c", code])
    assert run([sys.executable, "-c", code], accepted=(0, 3)) == (3, "no such column\n")


def test_what_a_command_leaves_running_is_killed(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],\n"
        "    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(child.pid)\n"
    )
    _, output = run([sys.executable, "-c", code], folder=tmp_path)
    _wait_until_ended(int(output))


def test_a_promotion_is_a_commit_that_changes_the_model_in_use(tmp_path: Path) -> None:
    first, second = Model("s3://models/orders/1", "a" * 64), Model("s3://models/orders/2", "b" * 64)
    release = ReleaseRepository(tmp_path / "release", "orders", first)
    assert release.model == first
    patch = tmp_path / "promotion.patch"
    patch.write_text(
        "--- a/deploy/clusters/simulated.toml\n+++ b/deploy/clusters/simulated.toml\n"
        "@@ -1,3 +1,3 @@\n [models.orders]\n"
        f'-uri = "{first.uri}"\n-sha256 = "{first.sha256}"\n'
        f'+uri = "{second.uri}"\n+sha256 = "{second.sha256}"\n'
    )

    shown = release.apply(patch)

    assert release.model == second
    assert f'+sha256 = "{second.sha256}"' in shown
    with pytest.raises(CommandFailedError, match="patch does not apply"):
        release.apply(patch)


@each_looped
def test_a_declaration_names_every_field(name: str, tmp_path: Path) -> None:
    text = (ROOT / name / "service.toml").read_text(encoding="utf-8")
    assert read_declaration(ROOT / name).drift
    (tmp_path / "service.toml").write_text(text.replace("\noutcome = ", "\noutcomes = "))
    with pytest.raises(NotDeclaredError, match="see outcome, outcomes"):
        read_declaration(tmp_path)


@each_looped
def test_the_same_days_have_the_same_traffic_and_the_drift_changes_it(
    name: str, tmp_path: Path
) -> None:
    def traffic(folder: str, drift: str) -> list[str]:
        (tmp_path / folder).mkdir()
        python, program = ROOT / name / ".venv/bin/python", ROOT / name / "loop/traffic.py"
        days = ["--first", "2026-01-05", "--drift", drift, "--end", "2026-01-07"]
        sizes = ["--history", "20", "--per-day", "10"]
        run([python, program, tmp_path / folder, *days, *sizes])
        assert len((tmp_path / folder / "history.jsonl").read_text().splitlines()) == 20
        return (tmp_path / folder / "traffic.jsonl").read_text().splitlines()

    before, drifted = traffic("one", "2026-02-02"), traffic("two", "2026-01-06")

    days = [json.loads(line)["day"] for line in drifted]
    assert days == ["2026-01-05"] * 10 + ["2026-01-06"] * 10
    assert drifted[:10] == before[:10]
    assert drifted[10:] != before[10:]


@each_looped
def test_without_promtool_the_loop_says_so_before_it_does_anything(
    name: str, tmp_path: Path
) -> None:
    done = _loop(name, tmp_path / "out", {"PATH": str(tmp_path), "TMPDIR": str(tmp_path)})
    output, _ = done.communicate(timeout=120)
    assert done.returncode == 1
    assert "promtool, which evaluates the alert rules, is not installed" in output
    assert list(tmp_path.iterdir()) == []


@each_looped
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything_and_leaves_nothing(
    promtool: str, name: str, number: signal.Signals, tmp_path: Path
) -> None:
    del promtool
    process = _loop(name, tmp_path / "out", {"TMPDIR": str(tmp_path)})
    try:
        # Its first command runs, with the folder in its arguments.
        _wait_until(lambda: len(_mentioning(str(tmp_path))) > 1)
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == 128 + number
    finally:
        process.kill()
        process.wait()
    _wait_until(lambda: _mentioning(str(tmp_path)) == [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.nightly
@pytest.mark.timeout(1200)
@each_looped
def test_the_whole_loop_finds_the_drift_and_repairs_it(
    promtool: str, name: str, tmp_path: Path
) -> None:
    del promtool
    out, work = tmp_path / "out", tmp_path / "work"
    work.mkdir()
    process = _loop(name, out, {"TMPDIR": str(work)})
    output, _ = process.communicate(timeout=1200)

    assert process.returncode == 0, output
    story = json.loads((out / "loop.json").read_bytes())
    months = [
        [alerts for day, alerts in story["alerts"].items() if first < day <= last]
        for first, last in (
            ("2026-01-05", "2026-02-02"),
            ("2026-02-02", "2026-03-02"),
            ("2026-03-16", "2026-12-31"),
        )
    ]
    assert months[0] == [[]] * 4
    assert months[1][-1] == ["InputsDrifted", "PerformanceWorse"]
    assert months[2]
    assert not any(months[2])
    assert story["decision"] == "promoted"
    after = story["after"]
    # On the same rows, by more than chance.
    assert after["challenger"] > after["champion"]
    assert after["low"] > 0
    assert story["drifted"] < story["before"] - 0.03
    assert (out / "index.html").stat().st_size > 20_000
    assert "<script" not in (out / "index.html").read_text(encoding="utf-8")
    assert list(work.iterdir()) == []
    assert _mentioning(str(tmp_path)) == []


def _loop(name: str, out: Path, environment: dict[str, str]) -> "subprocess.Popen[str]":
    paths = [ROOT / "tools/loop", ROOT / "tools", ROOT / "libs/servicekit/src"]
    # A job in the background of a shell ignores SIGINT, and so would what it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [PYTHON, LOOP, ROOT / name, "--out", out],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def _mentioning(text: str) -> list[int]:
    """The processes with a text in their arguments, this one excepted."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                arguments = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if text.encode() in arguments:
                found.append(int(entry.name))
    return found


def _wait_until_ended(pid: int) -> None:
    def ended() -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        return state in "ZX"

    _wait_until(ended)


def _wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)
