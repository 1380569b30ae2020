"""The one issue about the pins: opened, kept up to date, closed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workflows.reading import ROOT
from workflows.recorded import Programs

TOOL = ROOT / "tools/pins_today.py"
TITLE = "The pins, resolved today"
NAMES = ["Resolve", "Prove", "Audit", "Outdated"]


@pytest.fixture
def gh(programs: Callable[..., Programs]) -> Programs:
    found = programs("gh")
    found.answer({"issue list": (0, "[]")})
    return found


def report(path: Path, difference: str = "", **failed: tuple[int, str]) -> Path:
    """A report in which the named steps failed."""
    steps = []
    for name in NAMES:
        status, output = failed.get(name, (0, "fine"))
        steps.append({"name": name, "status": status, "output": output})
    path.write_text(json.dumps({"steps": steps, "difference": difference}), encoding="utf-8")
    return path


def tell(path: Path, gh: Programs) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, "tell", path, "--run-url", "https://ci.test/1"],
        env=gh.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def asked(gh: Programs) -> list[str]:
    return [" ".join(call[1:3]) for call in gh.calls()]


def open_issues(gh: Programs, *issues: tuple[int, str]) -> None:
    listed: list[dict[str, Any]] = [{"number": number, "title": title} for number, title in issues]
    gh.answer({"issue list": (0, json.dumps(listed))})


def test_nothing_to_do_says_nothing(tmp_path: Path, gh: Programs) -> None:
    done = tell(report(tmp_path / "report.json"), gh)

    assert done.returncode == 0
    assert asked(gh) == ["issue list"]


def test_a_failure_opens_an_issue(tmp_path: Path, gh: Programs) -> None:
    path = report(tmp_path / "report.json", Audit=(1, "numpy: CVE-2026-1 floor-bump"))

    assert tell(path, gh).returncode == 0

    assert asked(gh) == ["issue list", "label create", "issue create"]
    *arguments, text = gh.calls()[-1]
    assert arguments[3:7] == ["--title", TITLE, "--label", "pins"]
    assert "| Audit | `make audit` | **failed** (1) |" in text
    assert "| Prove | `make prove-pins` | passed |" in text
    assert "numpy: CVE-2026-1 floor-bump" in text
    assert "https://ci.test/1" in text


def test_a_resolution_that_changed_shows_what_to_commit(tmp_path: Path, gh: Programs) -> None:
    tell(report(tmp_path / "report.json", difference="-scipy~=1.17.1\n+scipy~=1.18.0\n"), gh)

    assert "```diff\n-scipy~=1.17.1\n+scipy~=1.18.0" in gh.calls()[-1][-1]


def test_the_open_issue_is_updated_and_no_second_one_opened(tmp_path: Path, gh: Programs) -> None:
    open_issues(gh, (7, "Something else about pins"), (12, TITLE), (15, TITLE))

    tell(report(tmp_path / "report.json", Prove=(1, "not proven")), gh)

    assert asked(gh) == ["issue list", "issue edit"]
    assert gh.calls()[-1][3] == "12"
    assert "not proven" in gh.calls()[-1][-1]


def test_it_closes_when_there_is_nothing_to_do(tmp_path: Path, gh: Programs) -> None:
    open_issues(gh, (12, TITLE))

    tell(report(tmp_path / "report.json", Outdated=(1, "numpy 2.4.0 is kept out")), gh)

    assert asked(gh) == ["issue list", "issue close"]
    assert gh.calls()[-1][3] == "12"


def test_newer_releases_that_a_pin_keeps_out_are_no_reason_to_open_one(
    tmp_path: Path, gh: Programs
) -> None:
    tell(report(tmp_path / "report.json", Outdated=(1, "numpy 2.4.0 is kept out")), gh)

    assert asked(gh) == ["issue list"]


@pytest.mark.parametrize("content", [None, "", "{", "[1"])
def test_a_run_that_left_no_report_is_news(
    content: str | None, tmp_path: Path, gh: Programs
) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    assert tell(path, gh).returncode == 0

    assert asked(gh)[-1] == "issue create"
    assert "there is no report" in gh.calls()[-1][-1]


def test_what_others_print_stays_in_its_block(tmp_path: Path, gh: Programs) -> None:
    output = "````\n@everyone <script>\n\x1b[31mred\x1b[0m \x00 ~~~\n```"

    tell(report(tmp_path / "report.json", Prove=(1, output)), gh)

    text = gh.calls()[-1][-1]
    assert "`````\n````\n@everyone <script>\nred  ~~~\n```\n`````" in text
    assert "\x1b" not in text


def test_a_long_report_fits_into_an_issue(tmp_path: Path, gh: Programs) -> None:
    long = "\n".join("x" * 5000 for _ in range(60))
    failed = dict.fromkeys(NAMES, (1, long))

    tell(report(tmp_path / "report.json", difference=long, **failed), gh)

    assert len(gh.calls()[-1][-1]) < 65_536
    assert "cut, the log has the rest" in gh.calls()[-1][-1]


def test_a_refusal_of_github_is_reported_and_fails(tmp_path: Path, gh: Programs) -> None:
    gh.answer({"issue list": (1, "HTTP 403: Resource not accessible by integration")})

    done = tell(report(tmp_path / "report.json", Audit=(1, "")), gh)

    assert done.returncode == 1
    assert "gh issue list: HTTP 403" in done.stderr


def test_every_step_is_run_whatever_became_of_the_ones_before(
    tmp_path: Path, programs: Callable[..., Programs]
) -> None:
    found = programs("make")
    found.answer({"make prove-pins": (1, "not proven"), "make sync-pins": (2, "no index")})
    subprocess.run(["git", "init", "--quiet", tmp_path / "clone"], check=True)
    path = tmp_path / "clone/reports/pins-today.json"

    done = subprocess.run(
        [sys.executable, TOOL, "run", path],
        cwd=tmp_path / "clone",
        env=found.environment(),
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert [call[1] for call in found.calls()] == ["sync-pins", "prove-pins", "audit", "outdated"]
    written = json.loads(path.read_text(encoding="utf-8"))
    assert [step["status"] for step in written["steps"]] == [2, 1, 0, 0]
    assert "not proven" in written["steps"][1]["output"]


def test_what_the_resolution_changed_is_in_the_report(
    tmp_path: Path, programs: Callable[..., Programs]
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", clone], check=True)
    (clone / "requirements-prod.txt").write_text("scipy~=1.17.1\n", encoding="utf-8")
    subprocess.run(["git", "-C", clone, "add", "."], check=True)
    (clone / "requirements-prod.txt").write_text("scipy~=1.18.0\n", encoding="utf-8")
    environment = programs("make").environment()

    subprocess.run(
        [sys.executable, TOOL, "run", "report.json"],
        cwd=clone,
        env=environment,
        check=True,
        capture_output=True,
    )

    difference = json.loads((clone / "report.json").read_text(encoding="utf-8"))["difference"]
    assert "-scipy~=1.17.1\n+scipy~=1.18.0" in difference
