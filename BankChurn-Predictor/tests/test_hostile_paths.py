"""Commands with paths that cannot be used, and with names that are odd but can."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from bankchurn.cli import app
from bankchurn.sample import generate_sample
from bankchurn.schema import example
from servicekit.testing import LiveService, wait_until
from servicekit.testing.hostile_paths import HOSTILE, check_refused, snapshot
from typer.testing import CliRunner, Result

# The suffix that the path of each command needs, and the command.
COMMANDS = {
    "generate": (".csv", "generate HOSTILE --rows 20"),
    "train on": (".csv", "train --data HOSTILE --out new --reports reports"),
    "train into": ("", "train --data in.csv --out HOSTILE --reports reports"),
    "train and report": ("", "train --data in.csv --out new --reports HOSTILE"),
    "evaluate on": (".csv", "evaluate HOSTILE --model MODEL --reports reports"),
    "evaluate a model": ("", "evaluate in.csv --model HOSTILE --reports reports"),
    "evaluate and report": ("", "evaluate in.csv --model MODEL --reports HOSTILE"),
    "predict from": (".csv", "predict HOSTILE out.csv --model MODEL"),
    "predict to CSV": (".csv", "predict in.csv HOSTILE --model MODEL"),
    "predict to Parquet": (".parquet", "predict in.csv HOSTILE --model MODEL"),
    "predict with a model": ("", "predict in.csv out.csv --model HOSTILE"),
    "explain": ("", "explain HOSTILE --model MODEL"),
    "explain with a model": ("", "explain customer.json --model HOSTILE"),
}


def run(words: list[str]) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the commands need, as the current one."""
    monkeypatch.chdir(tmp_path)
    generate_sample(700, seed=2).to_csv("in.csv", index=False)
    Path("customer.json").write_text(json.dumps(example()))
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.usefixtures("place")
def test_a_path_that_cannot_be_used_ends_with_2_and_changes_nothing(
    sealed: Path, command: tuple[str, str], path: str
) -> None:
    suffix, words = command
    check_refused(run, words, path=path, suffix=suffix, given={"MODEL": str(sealed)})


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_pipe_or_device_as_the_output_is_refused_and_stays(
    place: Path, sealed: Path, name: str
) -> None:
    os.mkfifo(name)
    done = CliRunner().invoke(app, ["predict", "in.csv", name, "--model", str(sealed)])

    assert done.exit_code == 2
    assert f"error: {name} is a pipe. Give the name of a file." in done.stderr
    assert (place / name).is_fifo()


def test_a_link_as_the_output_is_followed_and_stays(place: Path, sealed: Path) -> None:
    (place / "volume").mkdir()
    Path("out.csv").symlink_to("volume/scores.csv")
    done = CliRunner().invoke(app, ["predict", "in.csv", "out.csv", "--model", str(sealed)])

    assert done.exit_code == 0, done.output
    assert Path("out.csv").is_symlink()
    assert len(pd.read_csv("volume/scores.csv")) == 700


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
        f"train --data {name}.csv --out {name}/model --reports {name}/reports --folds 2",
        f"evaluate {name}.csv --model {name}/model --reports {name}/again",
        f"predict {name}.csv {name}/out.csv --model {name}/model",
        f"predict {name}/out.csv {name}/out.parquet --model {name}/model",
        f"generate {name}/sample.parquet --rows 20",
    ):
        done = subprocess.run(
            [sys.executable, "-m", "bankchurn", *words.split()],
            env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
            capture_output=True,
            check=False,
        )
        # The table that was predicted has the columns that predict adds.
        expected = 2 if "out.parquet" in words else 0
        assert done.returncode == expected, done.stderr.decode()
        assert b"Traceback" not in done.stderr

    manifest = json.loads(Path(name, "model", "manifest.json").read_bytes())
    report = json.loads(Path(name, "again", "evaluation.json").read_bytes())
    assert manifest["data"]["source"] == report["data"]["source"] == "mod\\xe8le.csv"
    assert len(pd.read_csv(f"{name}/out.csv")) == 700
    hidden = [path for path in Path(name).rglob("*") if path.name.startswith(".")]
    assert hidden == []


def test_a_service_answers_from_a_folder_whose_name_is_not_utf8(
    sealed: Path, tmp_path: Path
) -> None:
    model = tmp_path / os.fsdecode(b"mod\xe8le")
    command = ["-m", "bankchurn", "serve"]
    with LiveService(command, {"MODEL_DIR": str(model)}, {}) as service:
        wait_until(lambda: "refusal" in service.get("/ready").json(), "it is refused")
        assert "There is no sealed model at" in service.get("/ready").json()["detail"]
    shutil.copytree(sealed, model)
    with LiveService(command, {"MODEL_DIR": str(model)}, {}) as service:
        service.wait_until_ready()
        assert service.get("/model_info").status_code == 200
