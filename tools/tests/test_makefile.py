"""The Makefile works in odd places, or says what to do."""

import os
import re
import subprocess
import sys
from collections.abc import Callable

from copies import SERVICES, Repository

Copy = Callable[[], Repository]


def make(repository: Repository, *arguments: str, **variables: str) -> tuple[int, str]:
    """The status and the output of make, in a folder whose name has blanks."""
    environment = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("MAKE") and name != "UV_CACHE_DIR"
    }
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=repository.root,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def variable(repository: Repository, name: str, **variables: str) -> str | None:
    _, database = make(repository, "--print-data-base", "--question", "help", **variables)
    found = re.search(rf"^{name} :?= (.*)$", database, re.MULTILINE)
    return found[1] if found else None


def test_the_interpreter_that_was_named_is_remembered(copy: Copy) -> None:
    repository = copy()
    assert variable(repository, "PYTHON") == "python3"

    status, output = make(repository, ".tools/python", f"PYTHON={sys.executable}")

    assert status == 0, output
    assert variable(repository, "PYTHON") == sys.executable


def test_an_interpreter_that_is_missing_or_does_not_fit_is_refused(copy: Copy) -> None:
    repository = copy()
    old = repository.root / "python3.9"
    old.write_text("#!/bin/sh\necho 'make: it is Python 3.9; this repository needs' >&2; exit 1\n")
    old.chmod(0o755)

    missing = make(repository, ".tools/python", "PYTHON=no-python")
    refused = make(repository, ".tools/python", f"PYTHON={old}")

    assert missing[0] == 2
    assert "there is no no-python; name a Python 3.11 or 3.12: make PYTHON=" in missing[1]
    assert refused[0] == 2
    assert "this repository needs" in refused[1]
    assert variable(repository, "PYTHON") == "python3"


def test_downloads_are_kept_here_if_the_home_folder_cannot_be_written(copy: Copy) -> None:
    repository = copy()

    unwritable = variable(repository, "UV_CACHE_DIR", HOME="/proc/none", XDG_CACHE_HOME="")
    writable = variable(repository, "UV_CACHE_DIR", HOME=str(repository.root), XDG_CACHE_HOME="")

    assert (unwritable, writable) == ("$(CURDIR)/.cache/uv", None)


def test_seconds_are_passed_on_only_if_they_are_named(copy: Copy) -> None:
    repository = copy()
    targets = ("bench-serving", f"load-test-{SERVICES[0].name}")

    _, without = make(repository, "--dry-run", *targets)
    _, given = make(repository, "--dry-run", *targets, "SECONDS=7")

    assert "bench_serving.py" in without
    assert "bench/load/run.py" in without
    assert "--seconds" not in without
    assert given.count("--seconds 7 ") == 2


def test_a_missing_network_has_an_answer(copy: Copy) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_TIMEOUT": "2"}

    status, output = make(
        copy(),
        ".tools/uv/bin/uv",
        f"PYTHON={sys.executable}",
        **nowhere,
        PIP_FIND_LINKS="",
        PIP_EXTRA_INDEX_URL="",
        PIP_CONFIG_FILE=os.devnull,
    )

    assert status == 2
    assert "make: uv cannot be installed. Without a network, set PIP_INDEX_URL" in output
