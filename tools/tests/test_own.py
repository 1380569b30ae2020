"""The repository becomes a company's own whole, or not at all."""

import os
import pty
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from copies import ROOT, SERVICES, Repository
from own_answers import CLOUDS

Copy = Callable[[], Repository]

PROGRAMS = ROOT / ".tools/check/bin"
DEPLOY = ROOT / "deploy/.venv/bin/python"
ANSWERS = {
    "organization": "Acme Ltd.",
    "repository": "git@github.com:acme/predictions.git",
    "domain": "ml.acme.test",
    "contact": "security@acme.test",
    "team": "@acme/predictions",
    "clouds": "gcp aws",
    "licence": "apache",
}
# Words of each cloud, and the lines outside of records of the past that may have them: names of
# protocols, of which a bucket anywhere speaks one, of packages and of companies in texts.
WORDS = {"gcp": r"gcp|gke|google|autopilot|filestore", "aws": r"\baws|\beks\b|amazon|\befs\b"}
GENERIC = re.compile(
    r"^libs/modelseal/(README\.md|requirements-dev\.txt|src/modelseal/delivery/|tests/)"
    r"|^libs/modelwatch/(tests|src/modelwatch/testing)/"
    r"|^deploy/tests/images/|^deploy/tests/terraform/schemas/"
    r"|^pyproject\.toml:\d+:convention = |^tools/service_names\.py:\d+:_OTHER"
    r"|^libs/pinproof/src/pinproof/audit/advisories/osv\.py"
    r"|Amazon\.com/Whole Foods"
)
# Every overlay with a release in it; `make check-manifests` also builds all combinations.
RENDER = """
from manifests.combinations import example_release
from manifests.objects import read_manifests
from manifests.render import OVERLAYS, render
from manifests.rules import check
for name in OVERLAYS:
    manifests = read_manifests(render(name, example_release(name)), local=name == "local")
    assert check(manifests) == []
    print(name)
"""
SETS = ["gcp", "aws", "gcp aws", "none"]


def own(repository: Repository, **changes: str) -> subprocess.CompletedProcess[str]:
    options = [f"--{name}={text}" for name, text in (ANSWERS | changes).items()]
    return repository.run("own.py", *options)


def check(repository: Repository, *command: str | Path, **variables: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=repository.root,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def words_of(repository: Repository, cloud: str) -> list[str]:
    """The lines and the paths that have a word of a cloud and are not generic."""
    history = (":!CHANGELOG.md", ":!docs/adr")
    found = subprocess.run(
        ["git", "grep", "-I", "-n", "-i", "-P", WORDS[cloud], "--", ".", *history],
        cwd=repository.root,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    listed = [
        path
        for path in repository.git("ls-files").splitlines()
        if re.search(rf"(?:^|[/._-])(?:{'|'.join(CLOUDS[cloud])})(?:[/._-]|$)", path)
    ]
    return [line[:160] for line in found if not GENERIC.search(line)] + listed


@pytest.mark.parametrize("clouds", SETS)
def test_what_is_left_passes_the_checks_and_has_no_other_cloud(copy: Copy, clouds: str) -> None:
    repository = copy()

    done = own(repository, clouds=clouds)

    assert done.returncode == 0, done.stderr
    check(repository, PROGRAMS / "ruff", "check", "--quiet", "--fix", ".")
    check(repository, PROGRAMS / "ruff", "format", "--quiet", ".")
    repository.commit()
    for cloud in CLOUDS.keys() - set(clouds.split()):
        assert words_of(repository, cloud) == []
    for cloud in CLOUDS.keys() & set(clouds.split()):
        assert len(words_of(repository, cloud)) > 50
    assert repository.mentions("only cloud:") + repository.mentions("begin cloud:") == []
    assert "The pins are clean" in check(
        repository, ROOT / "libs/pinproof/.venv/bin/pinproof", "check"
    )
    check(repository, sys.executable, "tools/links.py")
    workflows = sorted(repository.root.glob(".github/workflows/*.yml"))
    check(repository, PROGRAMS / "actionlint", "-shellcheck", PROGRAMS / "shellcheck", *workflows)
    check(repository, PROGRAMS / "zizmor", "--offline", "--quiet", ".github")
    dependabot = ("--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")
    check(repository, PROGRAMS / "check-jsonschema", "--quiet", *dependabot)
    rendered = check(
        repository,
        *(DEPLOY, "-c", RENDER),
        PYTHONPATH=f"{repository.root}/deploy/kubernetes:{repository.root}/tools",
    )
    overlays = {"gcp": "gke", "aws": "eks", "none": "local"}
    assert set(rendered.split()) == {"local", *(overlays[cloud] for cloud in clouds.split())}


def test_the_texts_name_the_company(copy: Copy) -> None:
    repository = copy()
    began = repository.git("rev-parse", "HEAD").strip()

    assert own(repository).returncode == 0

    def text(path: str) -> str:
        return (repository.root / path).read_text(encoding="utf-8")

    assert text("README.md").startswith("# ML services of Acme Ltd.\n")
    assert text("LICENSE").startswith("Copyright 20")
    assert "Acme Ltd." in text("LICENSE").splitlines()[0]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8") in text("LICENSE")
    assert text("CHANGELOG.md").count("\n## ") == 1
    assert f"at commit `{began}`" in text("CHANGELOG.md")
    assert text(".github/CODEOWNERS") == "* @acme/predictions\n"
    assert "security@acme.test" in text("SECURITY.md")
    assert "SOURCE ?= https://github.com/acme/predictions\n" in text("deploy/images/images.mk")
    assert "REPOSITORY=acme/predictions " in text("docs/deploy.md")
    for file in repository.root.glob("deploy/terraform/*/example.tfvars"):
        example = file.read_text(encoding="utf-8")
        assert re.search(r'^domain += "ml\.acme\.test"$', example, re.MULTILINE)
        assert re.search(r'^github_repository += "acme/predictions"$', example, re.MULTILINE)
        assert "example.org" not in example
    for service in SERVICES:
        project = tomllib.loads(text(f"{service.name}/pyproject.toml"))["project"]
        assert (project["version"], project["license"]) == ("0.1.0", "Apache-2.0")
    done = repository.run("own.py")
    assert "No such file" in done.stderr  # it ran once, and is gone
    assert repository.git("status", "--porcelain", "--", ":(glob)tools/**/*own*").count("D  ") >= 5


def test_a_proprietary_repository_keeps_the_terms_of_the_template(copy: Copy) -> None:
    repository = copy()

    assert own(repository, licence="proprietary").returncode == 0

    root = repository.root
    apache = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert (root / "LICENSE.template").read_text(encoding="utf-8") == apache
    notice = (root / "LICENSE").read_text(encoding="utf-8")
    assert "Acme Ltd.\n\nAll rights reserved." in notice
    assert "LICENSE.template" in notice
    licences = {
        file.relative_to(root).as_posix(): tomllib.loads(file.read_text("utf-8"))["project"]
        for pattern in ("*/pyproject.toml", "libs/*/pyproject.toml")
        for file in root.glob(pattern)
        if "project" in tomllib.loads(file.read_text("utf-8"))
    }
    libraries = {one for one in licences if one.startswith("libs/")}
    assert libraries == {f"libs/{one.name}/pyproject.toml" for one in (ROOT / "libs").iterdir()}
    assert licences.keys() - libraries == {
        "lab/pyproject.toml",
        *(f"{service.name}/pyproject.toml" for service in SERVICES),
    }
    assert {one["license"] for one in licences.values()} == {"LicenseRef-Proprietary"}
    dockerfile = (root / "deploy/images/Dockerfile").read_text(encoding="utf-8")
    assert 'licenses="LicenseRef-Proprietary"' in dockerfile
    assert "](LICENSE.template)" in (root / "README.md").read_text(encoding="utf-8")


def test_what_a_person_has_to_do_is_of_the_wanted_clouds(copy: Copy) -> None:
    headings = {}
    for clouds in ("gcp", "none"):
        repository = copy()
        assert own(repository, clouds=clouds).returncode == 0
        text = (repository.root / "docs/to-do.md").read_text(encoding="utf-8")
        items = [line for line in text.splitlines() if line.startswith("- ")]
        assert items
        assert all(line.startswith("- [ ] ") for line in items)
        assert "{" not in text
        headings[clouds] = re.findall(r"^## (.+)$", text, re.MULTILINE)

    common = ["The repository", "What was never run"]
    assert headings == {
        "gcp": [common[0], "Every cloud", "Google Cloud", common[1]],
        "none": common,
    }


def unchanged(repository: Repository) -> bool:
    return repository.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domain": "https://acme.com"}, "DOMAIN: 'https://acme.com' is not a domain of yours"),
        ({"clouds": "azure"}, "CLOUDS: azure: no such cloud. Name one or several of aws gcp"),
        ({"team": "", "licence": ""}, "these are missing: TEAM=… LICENCE=…. Give all of them."),
        ({"team": "x", "licence": "MIT"}, "LICENCE: 'MIT' is neither"),
    ],
)
def test_answers_that_cannot_be_used_change_nothing(
    copy: Copy, changes: Mapping[str, str], message: str
) -> None:
    repository = copy()

    done = own(repository, **changes)

    assert done.returncode == 2
    assert message in done.stderr
    assert unchanged(repository)


def test_changes_that_are_not_committed_are_not_overwritten(copy: Copy) -> None:
    repository = copy()
    (repository.root / "README.md").write_text("mine\n", encoding="utf-8")

    done = own(repository)

    assert done.returncode == 2
    assert "There are changes that are not committed: README.md" in done.stderr
    assert (repository.root / "README.md").read_text(encoding="utf-8") == "mine\n"


def test_a_text_that_is_not_as_expected_changes_nothing(copy: Copy) -> None:
    repository = copy()
    (repository.root / "README.md").write_text("# Ours\n", encoding="utf-8")
    (repository.root / "docs/x.md").write_text("<!-- begin cloud: gcp -->\n", encoding="utf-8")
    repository.commit()

    done = own(repository)
    assert done.returncode == 2
    assert "README.md has no '# Pinned ML services'" in done.stderr
    assert unchanged(repository)

    repository.git("checkout", "--quiet", "HEAD~1", "--", "README.md")
    repository.commit()
    done = own(repository)
    assert done.returncode == 2
    assert "docs/x.md, a part does not end" in done.stderr
    assert unchanged(repository)


def test_on_a_terminal_it_asks_and_asks_again(copy: Copy) -> None:
    repository = copy()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "tools/own.py", "--clouds", "none", "--licence", "apache"],
        cwd=repository.root,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    lines = ["Acme", ANSWERS["repository"], "nowhere", *list(ANSWERS.values())[2:5]]
    os.write(ours, "".join(f"{line}\n" for line in lines).encode())

    status = process.wait(timeout=60)
    output = os.read(ours, 100_000).decode()
    os.close(ours)
    os.close(theirs)

    assert status == 0, output
    assert output.count("Domain of the services, such as ml.acme.com: ") == 2
    assert "'nowhere' is not a domain of yours" in output
    readme = (repository.root / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# ML services of Acme\n")
