"""Commands with paths that cannot be used, and with names that are odd but can."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nlpinsight.cli import app
from servicekit.testing.hostile_paths import HOSTILE, check_refused, snapshot
from typer.testing import CliRunner, Result

# The suffix that the path of each command needs, and the command.
COMMANDS = {
    "generate": (".csv", "generate HOSTILE --texts 20"),
    "train on": (".jsonl", "train --data HOSTILE --out new --reports reports"),
    "train, held out": (".csv", "train --data in.csv --valid HOSTILE --out new --reports reports"),
    "train into": ("", "train --data in.csv --out HOSTILE --reports reports"),
    "train and report": ("", "train --data in.csv --out new --reports HOSTILE"),
    "evaluate on": (".csv", "evaluate HOSTILE --model MODEL --reports reports"),
    "evaluate a model": ("", "evaluate in.csv --model HOSTILE --reports reports"),
    "evaluate and report": ("", "evaluate in.csv --model MODEL --reports HOSTILE"),
    "evaluate, learned from": (
        ".csv",
        "evaluate in.csv --model MODEL --reports reports --training HOSTILE",
    ),
    "predict from": (".txt", "predict HOSTILE out.csv --model MODEL"),
    "predict to CSV": (".csv", "predict in.csv HOSTILE --model MODEL"),
    "predict to JSON lines": (".jsonl", "predict in.csv HOSTILE --model MODEL"),
    "predict with a model": ("", "predict in.csv out.csv --model HOSTILE"),
    "explain with a model": ("", "explain good --model HOSTILE"),
}


def run(words: list[str]) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the commands need, as the current one."""
    monkeypatch.chdir(tmp_path)
    made = CliRunner().invoke(app, ["generate", "in.csv", "--texts", "1200"])
    assert made.exit_code == 0, made.output
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.usefixtures("place")
def test_a_path_that_cannot_be_used_ends_with_2_and_changes_nothing(
    sealed: Path, command: tuple[str, str], path: str
) -> None:
    suffix, words = command
    check_refused(run, words, path=path, suffix=suffix, given={"MODEL": str(sealed)})


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_a_pipe_as_the_output_is_refused_and_stays(place: Path, sealed: Path, name: str) -> None:
    os.mkfifo(name)
    done = CliRunner().invoke(app, ["predict", "in.csv", name, "--model", str(sealed)])

    assert done.exit_code == 2
    assert f"error: {name} is a pipe. Give the name of a file." in done.stderr
    assert (place / name).is_fifo()


def test_a_link_as_the_output_is_followed_and_stays(place: Path, sealed: Path) -> None:
    (place / "volume").mkdir()
    Path("out.csv").symlink_to("volume/answers.csv")
    done = CliRunner().invoke(app, ["predict", "in.csv", "out.csv", "--model", str(sealed)])

    assert done.exit_code == 0, done.output
    assert Path("out.csv").is_symlink()
    assert len(Path("volume/answers.csv").read_text().splitlines()) == 1201


@pytest.mark.parametrize("make", [os.link, os.symlink])
def test_another_name_of_the_input_is_no_output(
    place: Path, sealed: Path, make: Callable[[str, str], None]
) -> None:
    make("in.csv", "out.csv")
    before = snapshot(place)
    done = CliRunner().invoke(app, ["predict", "in.csv", "out.csv", "--model", str(sealed)])

    assert done.exit_code == 2
    assert "is the input itself" in done.stderr
    assert snapshot(place) == before


@pytest.mark.usefixtures("place")
def test_names_that_are_not_utf8_are_read_written_recorded_and_printed() -> None:
    name = os.fsdecode(b"mod\xe8le")
    Path(name).mkdir()
    Path("in.csv").rename(f"{name}.csv")
    for words in (
        f"train --data {name}.csv --out {name}/model --reports {name}/reports",
        f"evaluate {name}.csv --model {name}/model --reports {name}/again --training {name}.csv",
        f"predict {name}.csv {name}/out.csv --model {name}/model",
        f"predict {name}/out.csv {name}/out.jsonl --model {name}/model",
        f"generate {name}/sample.jsonl --texts 20",
    ):
        done = subprocess.run(
            [sys.executable, "-m", "nlpinsight", *words.split()],
            env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    manifest = json.loads(Path(name, "model", "manifest.json").read_bytes())
    report = json.loads(Path(name, "again", "evaluation.json").read_bytes())
    assert manifest["data"]["held_out"]["source"] == "mod\\xe8le.csv"
    assert report["training"]["source"] == "mod\\xe8le.csv"
    hidden = [path for path in Path(name).rglob("*") if path.name.startswith(".")]
    assert hidden == []
