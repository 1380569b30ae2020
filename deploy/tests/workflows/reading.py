"""The workflows as they are written, and what the Makefile knows."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from clouds import OVERLAY
from service_files import services

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DOCUMENTS = sorted([
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("deploy/*/README.md"),
])  # fmt: skip
SERVICES = {one.name: one for one in services(ROOT)}
SERVICE_NAME = re.compile(r"[A-Z]\w*(?:-[A-Z]\w*)+")
"""What the name of a service looks like, also of one that was removed, or is an example."""


@dataclass(frozen=True)
class Step:
    """One step of one job, with its location."""

    job: str
    number: int
    content: dict[str, Any]
    environment: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """The location of the step."""
        return f"{self.job}, step {self.number}"


class Workflow:
    """One file: what it says, and the text itself, which has the comments."""

    def __init__(self, text: str) -> None:
        """Parse the text of a file."""
        self.text = text
        # YAML takes the word `on` for true.
        self.content: dict[str, Any] = {
            "on" if key is True else key: value for key, value in yaml.safe_load(text).items()
        }
        self.jobs: dict[str, dict[str, Any]] = self.content["jobs"]

    def steps(self) -> Iterator[Step]:
        """Every step of every job."""
        for name, job in self.jobs.items():
            for number, step in enumerate(job.get("steps", []), 1):
                environment = frozenset([*job.get("env", {}), *step.get("env", {})])
                yield Step(name, number, step, environment)


def load(path: Path) -> Workflow:
    """A workflow of the repository."""
    return Workflow(path.read_text(encoding="utf-8"))


def missing(command: str, environment: Iterable[str] = ()) -> str | None:
    """What make says of a command line that it cannot carry out; it carries nothing out.

    Args:
        command: The command line.
        environment: The names of the variables that it finds in the environment.
    """
    done = subprocess.run(
        ["bash", "-c", command.replace("make ", "make --dry-run ", 1)],
        cwd=ROOT,
        # make refuses a cluster that there is not.
        env={name: OVERLAY if name == "CLUSTER" else "x" for name in environment} | os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else done.stderr.strip() or done.stdout.strip()


def make_commands(text: str) -> list[str]:
    """Every `make TARGET ...` of a document, in code: a line of a block, or between backticks."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    found = lines + re.findall(r"`([^`\n]+)`", prose)
    return [line for line in found if line.startswith("make ")]
