"""Resolves, proves and audits the pins as of today, and reports the result in one issue.

``run`` executes the steps and writes a report. It installs releases that nobody has reviewed, so it
is run without credentials. ``tell`` reads the report, and opens, updates or closes the issue with
GitHub's command line; it installs nothing.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from text_files import replace_text

TITLE = "The pins, resolved today"
LABEL = "pins"
# Each step is run even if earlier ones failed. The findings of `outdated` are no failure.
STEPS = {
    "Resolve": ["make", "sync-pins"],
    "Prove": ["make", "prove-pins"],
    "Audit": ["make", "audit"],
    "Outdated": ["make", "outdated"],
}
NEWS = {"Outdated"}
TAIL_LINES = 60
# GitHub takes 65,536 characters in the text of an issue.
TEXT_LIMIT = 60_000

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\S\n\t ]|[\x00-\x08\x0b-\x1f\x7f]")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run", help="Resolve, prove, audit, and write the report.")
    running.add_argument("report", type=Path, help="Report file to write.")
    running.set_defaults(do=lambda options: run(options.report))
    telling = commands.add_parser("tell", help="Open, update or close the issue.")
    telling.add_argument("report", type=Path, help="Report file to read.")
    telling.add_argument("--run-url", default="", help="Address of the logs.")
    telling.set_defaults(do=lambda options: tell(options.report, options.run_url))
    options = parser.parse_args(arguments)
    code: int = options.do(options)
    return code


def run(report: Path) -> int:
    """Run every step and write the report. Fails only if the report cannot be written."""
    steps = []
    for name, command in STEPS.items():
        print(f"{name}: {' '.join(command)}", flush=True)  # noqa: T201 - the log of the job
        done = subprocess.run(  # noqa: S603
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        print(done.stdout, flush=True)  # noqa: T201
        steps.append({"name": name, "status": done.returncode, "output": done.stdout[-200_000:]})
    # The changes of a new resolution.
    difference = subprocess.run(
        ["git", "diff", "--no-color", "--", "*.txt", "*.json", "*.toml"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    replace_text(report, json.dumps({"steps": steps, "difference": difference}))
    return 0


def tell(report: Path, run_url: str) -> int:
    """Open, update or close the issue."""
    found = read(report)
    number = open_issue()
    if not needs_somebody(found):
        if number is not None:
            gh("issue", "close", number, "--comment", f"Nothing left to do. {run_url}".strip())
        return 0
    with tempfile.NamedTemporaryFile("w", suffix=".md", encoding="utf-8") as body:
        body.write(text(found, run_url))
        body.flush()
        if number is None:
            gh("label", "create", LABEL, "--force", "--description", "What the pins admit changed")
            gh("issue", "create", "--title", TITLE, "--label", LABEL, "--body-file", body.name)
        else:
            gh("issue", "edit", number, "--body-file", body.name)
    return 0


def read(report: Path) -> dict[str, Any] | None:
    """The report; None if there is no readable one, which is reported too."""
    try:
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def needs_somebody(found: dict[str, Any] | None) -> bool:
    """Whether a person has to look at the report."""
    if found is None or found["difference"]:
        return True
    return any(step["status"] for step in found["steps"] if step["name"] not in NEWS)


def text(found: dict[str, Any] | None, run_url: str) -> str:
    """The text of the issue: failed steps, changes, the end of each output."""
    log = f"[The log]({run_url})" if run_url else "The log"
    if found is None:
        return f"The pins were not resolved and proven today: there is no report. {log} says why.\n"
    rows = "\n".join(
        f"| {step['name']} | `{' '.join(STEPS[step['name']])}` | {verdict(step)} |"
        for step in found["steps"]
    )
    parts = [
        f"Kept up to date every day; closes when there is nothing to do. {log} has everything.",
        f"| step | command | result |\n|---|---|---|\n{rows}",
    ]
    if found["difference"]:
        parts.append("Changes of a new resolution (`make sync-pins`):")
        parts.append(fenced(found["difference"], "diff"))
    for step in found["steps"]:
        if step["status"]:
            ending = "\n".join(step["output"].splitlines()[-TAIL_LINES:])
            parts.append(f"The end of `{' '.join(STEPS[step['name']])}`:")
            parts.append(fenced(ending))
    return "\n\n".join(parts) + "\n"


def verdict(step: dict[str, Any]) -> str:
    """One word for a table."""
    if step["status"] == 0:
        return "passed"
    if step["name"] in NEWS:
        return "newer releases are kept out"
    return f"**failed** ({step['status']})"


def fenced(block: str, language: str = "") -> str:
    """A block of a program's output in which nothing is read as Markdown."""
    clean = CONTROL.sub("", block)
    if len(clean) > TEXT_LIMIT // 6:
        clean = clean[: TEXT_LIMIT // 6] + "\n… cut, the log has the rest"
    longest = max((len(fence) for fence in re.findall(r"`+", clean)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{clean}\n{fence}"


def open_issue() -> str | None:
    """The number of the open issue, if there is one."""
    listed = gh("issue", "list", "--state", "open", "--label", LABEL, "--json", "number,title")
    numbers = [one["number"] for one in json.loads(listed) if one["title"] == TITLE]
    return str(min(numbers)) if numbers else None


def gh(*arguments: str) -> str:
    """Run GitHub's command line; a failure ends the program with its message."""
    done = subprocess.run(["gh", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode != 0:
        sys.exit(f"gh {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
