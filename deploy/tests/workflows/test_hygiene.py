"""What every workflow has to hold to, and that each rule can be broken."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workflows.reading import WORKFLOWS, Workflow, load

PINNED = re.compile(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)\n")


def permissions(workflow: Workflow) -> Iterator[str]:
    if workflow.content.get("permissions") != {}:
        yield "the workflow gives permissions to every job"
    for name, job in workflow.jobs.items():
        if not isinstance(job.get("permissions"), dict):
            yield f"{name}: does not say what it may do"


def timeouts(workflow: Workflow) -> Iterator[str]:
    for name, job in workflow.jobs.items():
        if "uses" not in job and not 0 < job.get("timeout-minutes", 0) <= 240:
            yield f"{name}: may run for ever"


def runners(workflow: Workflow) -> Iterator[str]:
    for name, job in workflow.jobs.items():
        if "uses" not in job and not re.fullmatch(r"ubuntu-\d\d\.\d\d", str(job.get("runs-on"))):
            yield f"{name}: the runner's system is not named by its version"


def concurrency(workflow: Workflow) -> Iterator[str]:
    if set(workflow.content.get("concurrency", {})) != {"group", "cancel-in-progress"}:
        yield "superseded runs: not said what becomes of them"


def pins(workflow: Workflow) -> Iterator[str]:
    pinned = {f"{action}@{commit}" for action, commit, _ in PINNED.findall(workflow.text)}
    used = [step.content["uses"] for step in workflow.steps() if "uses" in step.content]
    used += [job["uses"] for job in workflow.jobs.values() if "uses" in job]
    for action in used:
        if action not in pinned and not action.startswith("./"):
            yield f"{action}: not pinned to a commit with its version in a comment"


def credentials(workflow: Workflow) -> Iterator[str]:
    for step in workflow.steps():
        checks_out = step.content.get("uses", "").startswith("actions/checkout@")
        if checks_out and step.content.get("with", {}).get("persist-credentials") is not False:
            yield f"{step}: leaves its token on the disk"


def commands(workflow: Workflow) -> Iterator[str]:
    for step in workflow.steps():
        command = step.content.get("run")
        if command is None or step.job == "green":
            continue
        if not re.fullmatch(r"make [^\n;|&]*?( >> \"\$GITHUB_OUTPUT\")?", command.strip()):
            yield f"{step}: does more than call make"
        if "${{" in command:
            yield f"{step}: an expression in a command can end the command and begin another"


def handed_over(workflow: Workflow) -> Iterator[str]:
    """Make carries out what a value on its command line says, never one of the environment."""
    for step in workflow.steps():
        if re.search(r"=\S*\$", step.content.get("run", "").replace('"$GITHUB_OUTPUT"', "")):
            yield f"{step}: make expands a value that it is given"
    inputs = (workflow.content["on"].get("workflow_dispatch") or {}).get("inputs", {})
    if not any(one.get("type", "string") == "string" for one in inputs.values()):
        return
    for name, job in workflow.jobs.items():
        first = [step for step in job["steps"] if "actions/checkout@" not in step.get("uses", "")]
        if first[0].get("run") != "make check-version":
            yield f"{name}: what was typed is not looked at before all else"


def identities(workflow: Workflow) -> Iterator[str]:
    for name, job in workflow.jobs.items():
        if job.get("permissions", {}).get("id-token") == "write" and "environment" not in job:
            yield f"{name}: has an identity that nobody has to approve"
    if re.search(r"SECRET_ACCESS|credentials_json|access-key-id|_CREDENTIALS", workflow.text):
        yield "a key that lasts"


RULES: list[Callable[[Workflow], Iterator[str]]] = [
    permissions,
    timeouts,
    runners,
    concurrency,
    pins,
    credentials,
    commands,
    handed_over,
    identities,
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_workflow_holds_to_every_rule(
    path: Path, rule: Callable[[Workflow], Iterator[str]]
) -> None:
    assert list(rule(load(path))) == []


def test_there_are_the_workflows_that_the_documents_speak_of() -> None:
    assert sorted(path.stem for path in WORKFLOWS) == sorted(
        [
            *("ci", "e2e", "nightly", "pins"),
            *("deploy", "release"),  # only cloud: gcp aws
        ]
    )


def test_an_action_has_one_commit_everywhere() -> None:
    used: dict[str, set[tuple[str, str]]] = {}
    for path in WORKFLOWS:
        for action, commit, version in PINNED.findall(path.read_text(encoding="utf-8")):
            used.setdefault(action, set()).add((commit, version))

    assert used
    assert {action: pins for action, pins in used.items() if len(pins) != 1} == {}


def test_green_needs_every_other_job() -> None:
    (path,) = [path for path in WORKFLOWS if path.stem == "ci"]
    jobs = load(path).jobs

    assert set(jobs["green"]["needs"]) == jobs.keys() - {"green"}
    assert jobs["green"]["if"] == "always()"


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ("success", 0),
        ("success success success", 0),
        ("success failure success", 1),
        ("failure", 1),
        ("success skipped", 1),
        ("cancelled success", 1),
    ],
)
def test_green_is_green_only_if_all_are(results: str, status: int) -> None:
    (path,) = [path for path in WORKFLOWS if path.stem == "ci"]
    (step,) = load(path).jobs["green"]["steps"]

    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={"RESULTS": results},
        check=False,
    )

    assert done.returncode == status


def test_what_installs_unreviewed_releases_has_no_right_to_write() -> None:
    (path,) = [path for path in WORKFLOWS if path.stem == "pins"]
    jobs = load(path).jobs

    assert jobs["prove"]["permissions"] == {"contents": "read"}
    assert "GH_TOKEN" not in str(jobs["prove"])
    assert jobs["report"]["permissions"] == {"contents": "read", "issues": "write"}
    assert "pins-today" not in [
        step.get("run", "").split(" ")[-1] for step in jobs["report"]["steps"]
    ]
