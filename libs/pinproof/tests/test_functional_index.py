"""Runs the real commands against a served index and served advisories, and compares all output.

After an intended change, run with PINPROOF_WRITE_EXPECTED=1, and read the difference.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from audit_samples import AFFECTING, IDENTIFIERS, PROJECTS
from pinproof.reporters import REPORTERS
from servers import Asked, Reply, documents, index_of, osv_of, released, serving

FIXTURES = Path(__file__).parent / "fixtures"
SUMMARY = """\
requirements.txt:2: CVE-2022-42969 is ignored until 2099-12-31: No Subversion here
pins.toml: the entry for GHSA-2222-3333-4444 ignores nothing: remove it
Not audited, because no index has them: service/requirements-dev.txt:3
Without a pin, so only the newest release was audited: typing-extensions
4 advisories, 1 ignored; 7 distributions audited.
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """The environment variables that lead to the servers."""
    with (
        serving(index_of(PROJECTS)) as index,
        serving(osv_of(documents(*IDENTIFIERS), AFFECTING)) as osv,
    ):
        yield {
            "PINPROOF_INDEX_URL": f"{index}/simple/",
            "PINPROOF_ADVISORIES_URL": osv,
            "NO_PROXY": "127.0.0.1",
        }


def pinproof(
    servers: dict[str, str], *arguments: str, cwd: Path = FIXTURES / "advised"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pinproof", *arguments],
        capture_output=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
        env={**os.environ, **servers},
    )


def expect(name: str, actual: str) -> None:
    path = FIXTURES / "expected" / name
    if os.environ.get("PINPROOF_WRITE_EXPECTED"):
        path.write_text(actual, encoding="utf-8")
    assert actual == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REPORTERS)
def test_every_advisory_is_reported_whole(name: str, servers: dict[str, str]) -> None:
    run = pinproof(servers, "audit", "--format", name)

    expect(f"advised.{name}", run.stdout)
    assert run.stderr == SUMMARY
    assert run.returncode == 1


def test_an_audit_without_advisories_is_clean(servers: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy~=1.26.3\n", encoding="utf-8")

    run = pinproof(servers, "audit", cwd=tmp_path)

    assert (run.stdout, run.returncode) == ("", 0)
    assert run.stderr == "No advisory; 1 distribution audited.\n"


def test_an_environment_is_audited_with_its_file(servers: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy~=1.26.3\n", encoding="utf-8")

    run = pinproof(servers, "audit", "requirements.txt", "--python", sys.executable, cwd=tmp_path)

    # What runs these tests is installed, and the small index does not know most of it.
    assert run.returncode == 2
    assert "/simple/annotated-doc/ does not exist there (404)." in run.stderr


@pytest.mark.parametrize("arguments", [["audit"], ["outdated"]])
def test_an_index_that_cannot_be_reached_is_an_error(
    arguments: list[str], servers: dict[str, str]
) -> None:
    run = pinproof({**servers, "PINPROOF_INDEX_URL": "http://127.0.0.1:1/simple/"}, *arguments)

    assert (run.stdout, run.returncode) == ("", 2)
    assert "http://127.0.0.1:1/simple/" in run.stderr
    assert "gives no answer" in run.stderr


@pytest.mark.parametrize("source", ["osv", "pypi"])
def test_advisories_that_cannot_be_had_are_an_error(source: str, servers: dict[str, str]) -> None:
    nowhere = {**servers, "PINPROOF_ADVISORIES_URL": "http://127.0.0.1:1"}

    run = pinproof(nowhere, "audit", "--source", source)

    assert (run.stdout, run.returncode) == ("", 2)
    assert "http://127.0.0.1:1/" in run.stderr


def test_every_pin_that_is_behind_is_listed(servers: dict[str, str]) -> None:
    run = pinproof(servers, "outdated")

    expect("advised.outdated", run.stdout)
    assert run.stderr == (
        "6 pins: 4 exclude a newer release, 5 admit one; "
        "not checked: service/requirements-dev.txt:3.\n"
    )
    assert run.returncode == 1


def test_every_pin_is_listed_as_json(servers: dict[str, str]) -> None:
    run = pinproof(servers, "outdated", "service/requirements-prod.txt", "--format", "json")

    assert json.loads(run.stdout) == {
        "format": 1,
        "pins": [
            {
                "distribution": "fastapi",
                "specifier": "~=0.115.12",
                "inside": "0.115.14",
                "outside": "0.121.0",
                "places": ["service/requirements-prod.txt:1"],
            },
            {
                "distribution": "starlette",
                "specifier": "~=0.46.0",
                "inside": "0.46.2",
                "outside": "0.49.1",
                "places": ["service/requirements-prod.txt:2"],
            },
        ],
        "direct": [],
        "unknown": [],
        "skipped": [],
    }
    assert run.returncode == 1


def test_pins_with_nothing_newer_are_listed_only_if_asked(
    servers: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("py~=1.11.0\n", encoding="utf-8")

    short = pinproof(servers, "outdated", cwd=tmp_path)
    long = pinproof(servers, "outdated", "--all", cwd=tmp_path)

    assert (short.stdout, short.returncode) == ("", 0)
    assert short.stderr == "1 pin: none excludes a newer release, none admits one.\n"
    assert long.stdout == (
        "pin         inside  outside  location\npy~=1.11.0  1.11.0  -        requirements.txt:1\n"
    )


PRIVATE = "ours~=1.0.0\njinja2~=2.10.0\nstranger~=1.0.0\n"


@pytest.mark.parametrize(
    ("command", "shown", "known"),
    [
        ("outdated", "jinja2~=2.10.0  2.10.1  3.1.6    requirements.txt:2", "ours~=1.0.0"),
        ("audit", "requirements.txt:2: CVE-2019-10906 floor-bump", "ours"),
    ],
)
def test_a_private_index_is_asked_too_and_an_unknown_name_hides_nothing(
    command: str, shown: str, known: str, servers: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text(PRIVATE, encoding="utf-8")
    asked: list[str | None] = []

    def private(one: Asked) -> Reply:
        asked.append(one.headers.get("Authorization"))
        reply = index_of({"ours": released("1.0.0", "1.1.0")})(one)
        assert isinstance(reply, Reply)
        return reply

    with serving(private) as url:
        configured = {
            "PINPROOF_INDEX_URL": "",
            "UV_DEFAULT_INDEX": servers["PINPROOF_INDEX_URL"],
            "UV_INDEX": f"mine={url.replace('//', '//me:secret@')}/simple/",
        }
        without = pinproof(servers, command, cwd=tmp_path)
        both = pinproof(servers | configured, command, cwd=tmp_path)

    assert (shown in without.stdout, shown in both.stdout) == (True, True)
    assert (without.returncode, both.returncode) == (2, 2)
    assert f"{known} is unknown" in without.stderr
    assert f"{known} is unknown" not in both.stderr
    assert "stranger" in both.stderr
    assert set(asked) == {"Basic bWU6c2VjcmV0"}
    assert "secret" not in both.stdout + both.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit", "nowhere"],
        ["audit", "--format", "html"],
        ["audit", "--source", "nvd"],
        ["audit", "--python", sys.executable],
        ["audit", "requirements.txt", "--python", "no-such-python"],
        ["audit", "--index-url", "file:///tmp"],
        ["audit", "--advisories-url", "api.osv.dev"],
        ["outdated", "nowhere"],
        ["outdated", "--index-url", "pypi.org"],
        ["outdated", ".."],
    ],
)
def test_unusable_arguments_exit_2_without_a_traceback(
    arguments: list[str], servers: dict[str, str]
) -> None:
    run = pinproof(servers, *arguments)

    assert (run.stdout, run.returncode) == ("", 2)
    assert run.stderr
    assert "Traceback" not in run.stderr
