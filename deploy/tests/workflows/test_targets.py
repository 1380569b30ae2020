"""Every make target that a workflow calls or a document names exists."""

import json
import re
import shlex
import subprocess
import tomllib
from itertools import product
from pathlib import Path

import pytest
from manifests.render import CLOUDS
from needed import program

from workflows.reading import (
    DOCUMENTS,
    ROOT,
    SERVICE_NAME,
    SERVICES,
    WORKFLOWS,
    load,
    make_commands,
    missing,
)

# The requirements-NAME.txt that are installed on top of the environment of a service.
PREPARED = {
    name: {
        f"{path.stem.removeprefix('requirements-')}-env-{name}"
        for path in one.folder.glob("requirements-*.txt")
        if path.stem not in ("requirements-prod", "requirements-dev")
    }
    for name, one in SERVICES.items()
} | {
    "deploy": {"tools-env-deploy"},
    "modelwatch": {"mlflow-env-modelwatch", "postgres-env-modelwatch"},
    "tools": {"promtool-env-tools"},
}
# What a workflow hands over: the values that are in the names of targets, and any other.
KNOWN = "|".join(rf"{cloud}\b" for cloud in CLOUDS) or "$"
VALUES = {"NAME": [*SERVICES], "CLUSTER": [*CLOUDS]}
LIBRARIES = sorted(path.parent.name for path in ROOT.glob("libs/*/pyproject.toml"))
TESTED = [*SERVICES, *LIBRARIES, "lab", "deploy", "tools"]


def expansions(command: str) -> list[str]:
    """The command with values for the variables of the shell."""
    command = command.replace('>> "$GITHUB_OUTPUT"', "").replace("-CLUSTER", "-$CLUSTER").strip()
    names = sorted(set(re.findall(r"\$(\w+)", command)))
    known = VALUES | ({"NAME": TESTED} if re.search(r"(test|prepare)-\$NAME", command) else {})
    found = []
    for values in product(*(known.get(name, ["x"]) for name in names)):
        filled = command
        for name, value in zip(names, values, strict=True):
            filled = re.sub(rf"\${name}\b", value, filled)
        found.append(filled)
    return found


COMMANDS = sorted({
    (command, tuple(sorted(step.environment - {"PYTHON"})))
    for path in WORKFLOWS
    for step in load(path).steps()
    if step.content.get("run", "").startswith("make ")
    for command in expansions(step.content["run"])
})  # fmt: skip


@pytest.mark.parametrize(("command", "environment"), COMMANDS)
def test_a_workflow_calls_what_there_is(command: str, environment: tuple[str, ...]) -> None:
    assert missing(command, environment) is None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_names_what_there_is(document: Path) -> None:
    commands = make_commands(document.read_text(encoding="utf-8"))
    # `make deploy-…` means several targets, `make train-NAME` one for each name.
    commands = [
        re.sub(rf"=(?!yes\b|{KNOWN})(\S+)", "=x", expanded)
        for command in commands
        for expanded in expansions(command.split(" #")[0])
        if not re.search(r"…|\.\.\.|-NAME|NAME-|\bTARGET\b", command)
    ]
    # A record may be older than the last removal of a service; elsewhere, it is an example.
    gone = {name for one in commands for name in SERVICE_NAME.findall(one)} - SERVICES.keys()
    if document.parent.name == "adr":
        commands = [one for one in commands if not any(name in one for name in gone)]
    filled = {SERVICE_NAME.sub(_existing, one) for one in commands}

    assert {command: output for command in sorted(filled) if (output := missing(command))} == {}


def _existing(name: re.Match[str]) -> str:
    return name[0] if name[0] in SERVICES else min(SERVICES)


@pytest.mark.parametrize(
    "command", ["make no-such-target", "make test-NoSuchService", f"make push-{min(SERVICES)}"]
)
def test_what_there_is_not_is_found(command: str) -> None:
    assert missing(command) is not None


def test_commands_are_found_in_documents() -> None:
    text = "Run `make one`, not make two.\n\n```\nmake three A=b\n$ make four\n```\n"

    assert make_commands(text) == ["make three A=b", "make one"]


def test_what_is_tested_and_built_comes_from_the_makefile_and_pins_toml() -> None:
    printed = subprocess.run(
        ["make", "--silent", "matrix"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    lists = dict(line.split("=", 1) for line in printed.splitlines())
    policy = tomllib.loads((ROOT / "pins.toml").read_text(encoding="utf-8"))["policy"]

    tests = {(one["name"], one["python"]) for one in json.loads(lists["tests"])}
    assert tests == set(product(TESTED, policy["pythons"]))
    assert sorted(json.loads(lists["images"])) == sorted(
        image for name in SERVICES for image in (name, f"{name}-watch")
    )


@pytest.mark.parametrize("name", TESTED)
def test_everything_that_only_some_tests_need_is_prepared(name: str) -> None:
    database = subprocess.run(
        ["make", "--print-data-base", "--question", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    [needs] = re.findall(rf"^prepare-{name}:(.*)$", database, re.MULTILINE)

    assert set(needs.split()) == PREPARED.get(name, set())


def test_every_test_target_of_test_all_is_in_the_matrix() -> None:
    """A project that is added to `test-all` and not to the matrix would never be tested."""
    dry = subprocess.run(
        ["make", "--dry-run", "--always-make", "test-all"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    tested = {
        Path(shlex.split(line)[-1]).name
        for line in dry.splitlines()
        # `test-load` repeats parts of suites.
        if " -m pytest " in line and "-m nightly" not in line and not line.startswith("for ")
    }

    assert tested == set(TESTED)


def test_a_missing_program_skips_here_and_fails_where_everything_has_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        program("no-such-program")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed"):
        program("no-such-program")
