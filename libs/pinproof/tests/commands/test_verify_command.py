import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pinproof.cli import app
from typer.testing import CliRunner

Write = Callable[[Mapping[str, str]], Path]

HERE = Path(__file__).parents[2]


def test_this_environment_is_its_development_requirements() -> None:
    path = HERE / "requirements-dev.txt"

    result = CliRunner().invoke(app, ["verify", str(path)])

    assert (result.stdout, result.exit_code) == ("", 0)
    assert result.stderr.startswith(f"{path}: no differences, ")
    assert "not in the file, as expected: " in result.stderr


def test_differences_are_printed_one_a_line(write: Write) -> None:
    root = write({"r.txt": f"-r {HERE}/requirements-dev.txt\nabsent~=1.2.3\npydantic~=1.0.0\n"})

    result = CliRunner().invoke(app, ["verify", str(root / "r.txt")])

    assert result.exit_code == 1
    missing, wrong = result.stdout.splitlines()
    assert missing == "missing: absent~=1.2.3 is not installed; r.txt:2 requires it"
    assert wrong.startswith("wrong-version: pydantic 2.")
    assert ": 2 differences, " in result.stderr


def test_json(write: Write) -> None:
    root = write({"r.txt": f"-r {HERE}/requirements-dev.txt\nabsent~=1.2.3\n"})

    result = CliRunner().invoke(app, ["verify", str(root / "r.txt"), "--format", "json"])

    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert list(document) == ["format", "findings", "installed", "first_party", "installers"]
    assert document["findings"] == [
        {
            "fault": "missing",
            "name": "absent",
            "installed": None,
            "wanted": "~=1.2.3",
            "by": "r.txt:2",
            "message": "absent~=1.2.3 is not installed; r.txt:2 requires it",
        }
    ]
    assert "pinproof" in document["first_party"]
