"""The pre-commit hook, the action and the update bot's settings, as others will use them.

`make check-workflows` compares the files with their published schemas, and `make check-hook`
installs the hook with pre-commit itself.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from pinproof.repository.discovery import find_files
from pinproof.repository.policy import load_policy

Write = Callable[[Mapping[str, str]], Path]

REPOSITORY = Path(__file__).parents[3]
ACTIONS = sorted(REPOSITORY.glob(".github/actions/*/action.yml"))
CHECK_PINS = REPOSITORY / ".github/actions/check-pins/action.yml"
PLACE = "file=requirements.txt,line=1,title=PIN001"
PINNED = re.compile(r"[^@]+@[0-9a-f]{40}")

# A substitute for an interpreter on the runner: makes environments that install nothing and record
# the packages that they were asked to install, and otherwise are the one that runs these tests.
STAND_IN = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p "$4/bin" && cp "$0" "$4/bin/python"
elif [ "$1 $2" = "-m pip" ]; then
    echo "$*" >> "$RUNNER_TEMP/installed"
else
    exec "{python}" "$@"
fi
"""


def read(path: Path) -> Any:  # noqa: ANN401 - any YAML document
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def run_action(
    path: Path, root: Path, temporary: Path, **inputs: str
) -> subprocess.CompletedProcess[str]:
    """Run the steps of a composite action as a runner does, up to the first that fails."""
    action = read(path)
    values = {
        **{f"inputs.{name}": spec.get("default", "") for name, spec in action["inputs"].items()},
        **{f"inputs.{name}": value for name, value in inputs.items()},
        "github.action_path": str(path.parent),
    }

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ *(\S+) *\}\}", lambda match: values[match[1]], text)

    result = None
    for step in action["runs"]["steps"]:
        environment = {name: filled(value) for name, value in step.get("env", {}).items()}
        result = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", filled(step["run"])],
            capture_output=True,
            check=False,
            cwd=root,
            encoding="utf-8",
            env={**os.environ, "RUNNER_TEMP": str(temporary), **environment},
        )
        if result.returncode:
            break
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("pin", "output", "status"),
    [
        ("numpy~=1.26.4", "", 0),
        (
            "numpy>=1.26",
            f"::error {PLACE}::numpy>=1.26 is not pinned with ~=: write numpy~=1.26.0\n",
            1,
        ),
    ],
)
def test_the_action_annotates_violations(
    pin: str, output: str, status: int, write: Write, tmp_path: Path
) -> None:
    root = write({"requirements.txt": f"{pin}\n"})
    python = tmp_path / "python"
    python.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
    python.chmod(0o755)

    run = run_action(CHECK_PINS, root, tmp_path, python=str(python))

    assert (run.stdout, run.returncode) == (output, status)
    (installed,) = (tmp_path / "installed").read_text(encoding="utf-8").splitlines()
    options, *files = installed.split(" -r ")
    assert options == "-m pip install --quiet --disable-pip-version-check"
    checker = REPOSITORY / "libs/pinproof"
    assert [Path(file).resolve() for file in files] == [checker / "requirements-prod.txt"]


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.parent.name)
def test_an_action_uses_no_other_action_that_can_change(path: Path) -> None:
    used = [step["uses"] for step in read(path)["runs"]["steps"] if "uses" in step]

    assert [one for one in used if not one.startswith("./") and not PINNED.fullmatch(one)] == []
    assert all(spec["description"] for spec in read(path)["inputs"].values())


def test_the_hook_installs_the_checker_of_this_repository_and_runs_its_command() -> None:
    (hook,) = read(REPOSITORY / ".pre-commit-hooks.yaml")

    assert hook["language"] == "python"
    assert hook["additional_dependencies"] == ["./libs/modelseal", "./libs/pinproof"]
    command = [sys.executable, "-m", *hook["entry"].split()]
    help_text = subprocess.run([*command, "--help"], capture_output=True, check=True)
    assert b"Check every requirement of a repository" in help_text.stdout


def bot(ecosystem: str) -> dict[str, Any]:
    (update,) = [
        update
        for update in read(REPOSITORY / ".github/dependabot.yml")["updates"]
        if update["package-ecosystem"] == ecosystem
    ]
    assert isinstance(update, dict)
    return update


def test_the_bot_keeps_the_operator_and_waits_for_releases_to_settle() -> None:
    assert bot("pip")["versioning-strategy"] == "increase"
    assert bot("pip")["cooldown"]["default-days"] >= 7
    assert bot("github-actions")["cooldown"]["default-days"] >= 7


def test_the_bot_sees_every_folder_with_requirements() -> None:
    policy = load_policy(REPOSITORY)
    files = find_files(REPOSITORY, policy.exclude).files
    folders = {PurePosixPath("/", path).parent for path in files if path.endswith(".txt")}
    patterns = bot("pip")["directories"]

    # Like in the bot's globs, * does not match a slash.
    unseen = [str(one) for one in folders if not any(one.match(pattern) for pattern in patterns)]
    assert unseen == []
    assert [one for one in patterns if not any(folder.match(one) for folder in folders)] == []
    assert not PurePosixPath("/libs/pinproof/tests").match("/libs/*")
