import contextlib
import os
import pty
import subprocess
import sys

import pytest
from servicekit.progress import Advance, progress

PROGRAM = """
import sys
from servicekit.progress import progress
with progress("Scoring", total=300, unit="customers") as advance:
    advance(100, "first part")
    print("a notice", file=sys.stderr)
    advance(200, "[last] part")
print("the result")
"""


def test_lines_tell_amount_total_unit_and_step_where_stderr_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress("Scoring", total=2_000, unit="customers") as advance:
        advance(500, "first part")
        advance(1_500)
    out, err = capsys.readouterr()

    assert out == ""
    first, last = err.splitlines()
    assert first.startswith("Scoring: 500 of 2,000 customers in ")
    assert first.endswith(", first part")
    assert last.startswith("Scoring: 2,000 of 2,000 customers in ")
    assert last.endswith(", first part")


def test_reports_in_quick_succession_do_not_fill_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Training") as advance:
        for number in range(500):
            advance(step=f"step {number}")

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) < 10
    assert lines[-1].startswith("Training: 500 steps in ")
    assert lines[-1].endswith("step 499")


@pytest.mark.parametrize("reports", [0, 1])
def test_a_failure_is_not_followed_by_another_line(
    reports: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(advance: Advance) -> None:
        for _ in range(reports):
            advance()
        raise ValueError("bad row")

    with pytest.raises(ValueError, match="bad row"), progress("Scoring") as advance:
        fail(advance)

    assert len(capsys.readouterr().err.splitlines()) == reports


def test_nothing_is_shown_without_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Scoring"):
        pass

    assert capsys.readouterr() == ("", "")


def run_on_terminal(**environment: str) -> tuple[bytes, str]:
    """The output on stdout (a pipe) and stderr (a terminal)."""
    ours, theirs = pty.openpty()
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        # The terminal's end is an error of the operating system.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 4096):
                shown += part
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    return out, shown.decode()


def test_a_terminal_shows_a_bar_and_stdout_only_the_result() -> None:
    out, shown = run_on_terminal(TERM="xterm", COLUMNS="120")

    assert out == b"the result\n"
    assert "a notice\r\n" in shown
    assert "Scoring: [last] part" in shown
    assert "300 of 300 customers" in shown
    assert shown.index("\x1b[?25l") < shown.index("\x1b[?25h")  # the cursor is visible again


def test_a_dumb_terminal_gets_lines() -> None:
    out, shown = run_on_terminal(TERM="dumb")

    assert out == b"the result\n"
    assert "\x1b" not in shown
    assert "Scoring: 300 of 300 customers in " in shown
