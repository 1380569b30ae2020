"""make help lists every target that a person calls."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Steps of other targets.
INTERNAL = {"FORCE", "clean-deploy", "image-tools", "log-in-NAME", "pushed-NAME", "standin-base"}


# These tests may themselves run below make.
ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


def make(*arguments: str) -> str:
    return run("make", "--no-print-directory", *arguments).stdout


def test_every_phony_target_is_listed() -> None:
    database = make("--print-data-base", "--question", "help")
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", database, re.MULTILINE)).split()
    assert {"demo", "render-local"} <= set(phony)
    names = [one.parent.name for one in sorted(ROOT.glob("*/service.toml"))]
    names += [
        one.parent.name for one in ROOT.glob("deploy/kubernetes/overlays/*/kustomization.yaml")
    ]
    pattern = re.compile("|".join(re.escape(name) for name in names))
    lines = (line for line in make("help").splitlines() if line.startswith("  "))
    listed = {pattern.sub("NAME", line.split()[0]) for line in lines}
    targets = {pattern.sub("NAME", target) for target in phony}

    # `bench` and `extra-environments` name the form of the targets that they consist of.
    known = [re.escape(name).replace("NAME", ".+") for name in (*listed, *INTERNAL)]
    known += [r"bench-NAME.*", r".+-env-NAME", r"\$.*"]
    assert [name for name in sorted(targets) if not re.fullmatch("|".join(known), name)] == []


def test_the_list_begins_with_what_people_need_first_and_has_groups() -> None:
    lines = make("help").splitlines()

    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings[1:-1] == [
        "First",
        "Use",
        "Make it yours",
        "Test and check",
        "Measure",
        "Pins",
        "Ship",
    ]
    first = lines[lines.index("First") + 1 : lines.index("Use") - 1]
    assert [line.split()[0] for line in first][:3] == ["demo", "test-all", "check"]
    assert len(first) >= 9


def test_a_reader_may_stop_early() -> None:
    done = run("bash", "-o", "pipefail", "-c", "make --no-print-directory help | head -n 1")

    assert done.stdout == "Usage: make TARGET [PYTHON=python3.12]\n"
    assert done.stderr == ""
