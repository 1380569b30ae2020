from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pinproof.cli import app
from pinproof.closure.pinfile import MARKER_LINE
from typer.testing import CliRunner
from wheel_folder import UV, Wheels

Write = Callable[[Mapping[str, str]], Path]

FILES = {
    "pins.toml": '[policy]\nservices = ["service"]\n',
    "service/requirements-prod.txt": "top~=1.2.3\n",
    "service/requirements-dev.txt": "-r requirements-prod.txt\n",
}


@pytest.fixture
def root(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    wheels = Wheels(tmp_path)
    wheels.add_all(("top", "1.2.3", "middle"), ("middle", "5.1.0"))
    for name, text in wheels.environment.items():
        monkeypatch.setenv(name, text)
    return write(FILES)


def test_what_changes_is_printed_and_progress_is_shown(root: Path) -> None:
    result = CliRunner().invoke(app, ["sync", str(root), "--uv", str(UV)])

    assert result.exit_code == 0
    assert result.stdout == f"service/requirements-prod.txt\n+ {MARKER_LINE}\n+ middle~=5.1.0\n"
    assert result.stderr == (
        "[1/1] service: resolving requirements-prod.txt\n"
        "[1/1] service: resolving requirements-dev.txt\n"
        "Changed: service/requirements-prod.txt, service/pins-closure.json.\n"
    )


def test_check_changes_nothing_and_exits_1_until_it_is_synced(root: Path) -> None:
    check = ["sync", str(root), "--uv", str(UV), "--check"]

    before = CliRunner().invoke(app, check)
    CliRunner().invoke(app, check[:-1])
    after = CliRunner().invoke(app, check)

    assert (before.exit_code, after.exit_code) == (1, 0)
    assert "To change: " in before.stderr
    assert after.stderr.endswith("Nothing to change.\n")


def test_an_error_exits_2_and_changes_nothing(root: Path) -> None:
    production = root / "service/requirements-prod.txt"
    production.write_text("absent~=1.0.0\n")

    result = CliRunner().invoke(app, ["sync", str(root), "--uv", str(UV)])

    assert result.exit_code == 2
    assert "absent was not found" in result.stderr
    assert production.read_text() == "absent~=1.0.0\n"
    assert sorted(path.name for path in production.parent.iterdir()) == [
        "requirements-dev.txt",
        "requirements-prod.txt",
    ]


def test_exclusions_are_listed_for_an_installer(write: Write) -> None:
    exclusion = "[[exclusions]]\ndistribution = 'GPU'\npath = 'service'\nreason = 'to see'\n"
    root = write({"pins.toml": exclusion, "service/requirements-prod.txt": ""})

    inside, outside = (
        CliRunner().invoke(app, ["exclusions", str(root / name)]) for name in ("service", "other")
    )

    assert (inside.stdout, inside.exit_code) == ("gpu\n", 0)
    assert (outside.stdout, outside.exit_code) == ("", 0)
