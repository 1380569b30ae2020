import json

import pytest
from pinproof.reporters import REPORTERS
from pinproof.rules import RULES
from pinproof.violations import Report, Violation

READ = {"requirements files": 2, "Dockerfiles": 1}
CLEAN = Report(violations=(), read=READ)
AWKWARD = Report(
    violations=(
        Violation("a,b: 100%/ü.txt", 3, "PIN001", "100%\r\nsure: a, b", "numpy"),
        Violation("b.txt", 1, "PIN000", "unreadable"),
    ),
    read=READ,
    unread={"lock files": 1},
    skipped=("lib/site-packages",),
    unusable=True,
)


@pytest.mark.parametrize("name", ["text", "github"])
def test_formats_for_people_say_nothing_when_clean(name: str) -> None:
    assert REPORTERS[name](CLEAN) == ""


def test_text() -> None:
    assert REPORTERS["text"](AWKWARD) == (
        "a,b: 100%/ü.txt:3: PIN001 100%??sure: a, b\nb.txt:1: PIN000 unreadable\n"
    )


def test_github_escapes_what_would_end_a_property_or_start_another_command() -> None:
    assert REPORTERS["github"](AWKWARD) == (
        "::notice title=pinproof::Not read: lock files (1).\n"
        "::error file=a%2Cb%3A 100%25/ü.txt,line=3,title=PIN001::100%25??sure: a, b\n"
        "::error file=b.txt,line=1,title=PIN000::unreadable\n"
    )


def test_json_has_the_same_shape_clean_or_not() -> None:
    clean = json.loads(REPORTERS["json"](CLEAN))
    awkward = json.loads(REPORTERS["json"](AWKWARD))

    assert clean == {
        "format": 1,
        "files": 3,
        "read": {"requirements files": 2, "Dockerfiles": 1},
        "unread": {},
        "skipped": [],
        "unusable": False,
        "violations": [],
    }
    assert awkward["unread"] == {"lock files": 1}
    assert awkward["skipped"] == ["lib/site-packages"]
    assert clean.keys() == awkward.keys()
    assert awkward["violations"][0] == {
        "path": "a,b: 100%/ü.txt",
        "line": 3,
        "code": "PIN001",
        "distribution": "numpy",
        "message": "100%??sure: a, b",
    }
    assert awkward["violations"][1]["distribution"] is None


def test_sarif_names_every_rule_and_writes_paths_as_addresses() -> None:
    log = json.loads(REPORTERS["sarif"](AWKWARD))

    (run,) = log["runs"]
    described = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert log["version"] == "2.1.0"
    assert described == ["PIN000", *(rule.CODE for rule in RULES)]
    assert {result["ruleId"] for result in run["results"]} <= set(described)
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%2Cb%3A%20100%25/%C3%BC.txt", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 3},
    }


def test_sarif_says_what_was_read_and_what_was_not() -> None:
    (run,) = json.loads(REPORTERS["sarif"](AWKWARD))["runs"]

    (invocation,) = run["invocations"]
    assert [note["message"]["text"] for note in invocation["toolExecutionNotifications"]] == [
        "Read: requirements files (2), Dockerfiles (1).",
        "Not read: lock files (1).",
        "Skipped: lib/site-packages.",
    ]
