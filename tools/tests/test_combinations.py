"""Repositories with other services pass the checks. `make test-combination` runs all of one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from combinations import combinations, steps
from copies import ROOT, Repository

Copy = Callable[[], Repository]
PROGRAMS = ROOT / ".tools" / "check" / "bin"
# What the steps of make run; the environments are those of this repository.
TOOLS = {
    "new-service": "new_service.py",
    "remove-service": "remove_service.py",
    "rename-service": "rename_service.py",
}


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


def prepare(repository: Repository, combination: str) -> None:
    """Make a combination, without the documents that quote help texts of services."""
    deploy = str(ROOT / "deploy/.venv/bin/python")
    for target, *variables in steps(combination, repository.root):
        values = [variable.partition("=")[2] for variable in variables]
        check(repository, sys.executable, repository.root / "tools" / TOOLS[target], *values)
        check(repository, PROGRAMS / "ruff", "check", "--quiet", "--fix", ".")
        check(repository, PROGRAMS / "ruff", "format", "--quiet", ".")
        check(repository, deploy, "tools/derived_files.py")
        repository.commit()


ALONE = [one for one in combinations() if one.startswith("alone-")]


# test_own.py has the quick form of the repository of a company.
@pytest.mark.parametrize(
    "combination",
    [
        pytest.param(one, marks=[pytest.mark.nightly] if one in ALONE[1:] else [])
        for one in combinations()
        if one != "owned"
    ],
)
def test_a_combination_passes_the_checks(copy: Copy, combination: str) -> None:
    repository = copy()
    prepare(repository, combination)

    check(repository, ROOT / "libs/pinproof/.venv/bin/pinproof", "check")
    check(repository, PROGRAMS / "ruff", "check", ".")
    check(repository, PROGRAMS / "ruff", "format", "--check", ".")
    check(repository, ROOT / "deploy/.venv/bin/python", "tools/derived_files.py", "--check")
    built = check(
        repository,
        *(ROOT / "deploy/.venv/bin/python", "-m", "manifests", "check"),
        PYTHONPATH=f"{repository.root}/deploy/kubernetes:{repository.root}/tools",
    )
    assert "Built and checked" in built
