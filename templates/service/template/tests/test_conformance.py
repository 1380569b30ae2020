"""What every service and command line of this repository does."""

from pathlib import Path

import pytest
from {{ package }}.cli import app
from {{ package }}.schema import example
from servicekit.testing.commands import CommandConformance, read_json
from servicekit.testing.services import JsonConformance
from typer.testing import CliRunner


class TestService(JsonConformance):
    package = "{{ package }}"
    requests = {"/predict": example(), "/predict_batch": {"records": [example()]}}
    bad_bodies = ('{"records": []}',)
    max_batch_rows = 1000

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls, sealed: Path) -> dict[str, str]:
        return {"MODEL_DIR": str(sealed)}


class TestCommands(CommandConformance):
    package = "{{ package }}"
    app = app
    path_commands = {
        "generate": (".csv", "generate HOSTILE --rows 20"),
        "train on": (".csv", "train --data HOSTILE --out new --reports reports"),
        "train into": ("", "train --data in.csv --out HOSTILE --reports reports"),
        "train and report": ("", "train --data in.csv --out new --reports HOSTILE"),
        "evaluate on": (".csv", "evaluate HOSTILE --model MODEL --reports reports"),
        "evaluate a model": ("", "evaluate in.csv --model HOSTILE --reports reports"),
        "evaluate and report": ("", "evaluate in.csv --model MODEL --reports HOSTILE"),
        "split": (".csv", "split HOSTILE --model MODEL --training a.csv --held-out b.csv"),
        "split by a model": ("", "split in.csv --model HOSTILE --training a.csv --held-out b.csv"),
        "split into": (".csv", "split in.csv --model MODEL --training HOSTILE --held-out b.csv"),
        "hold out into": (".csv", "split in.csv --model MODEL --training a.csv --held-out HOSTILE"),
        "score": (".csv", "score HOSTILE scores.csv --model MODEL"),
        "score into": (".csv", "score in.csv HOSTILE --model MODEL"),
        "score a model": ("", "score in.csv scores.csv --model HOSTILE"),
        "predict from": (".csv", "predict HOSTILE out.csv --model MODEL"),
        "predict to": (".csv", "predict in.csv HOSTILE --model MODEL"),
        "predict with a model": ("", "predict in.csv out.csv --model HOSTILE"),
    }
    pipe_commands = ("predict in.csv pipe.csv --model MODEL", "generate pipe.csv --rows 20")
    link_command = ("predict in.csv out.csv --model MODEL", 900)
    same_file_commands = (
        "predict in.csv hard.csv --model MODEL",
        "predict in.csv symbolic.csv --model MODEL",
        "split in.csv --model MODEL --training hard.csv --held-out b.csv",
        "split in.csv --model MODEL --training a.csv --held-out symbolic.csv",
        "score in.csv hard.csv --model MODEL",
    )
    signer_commands = {
        "evaluate": "evaluate in.csv --reports reports --model MODEL",
        "predict": "predict in.csv out.csv --model MODEL",
        "score": "score in.csv scores.csv --model MODEL",
    }
    odd_name_commands = (
        ("train --data NAME.csv --out NAME/model --reports NAME/reports", 0),
        ("evaluate NAME.csv --model NAME/model --reports NAME/again", 0),
        ("predict NAME.csv NAME/out.csv --model NAME/model", 0),
        # The table that was predicted has the columns that predict adds.
        ("predict NAME/out.csv NAME/again.csv --model NAME/model", 2),
        ("generate NAME/sample.csv --rows 20", 0),
    )

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(app, ["generate", "in.csv", "--rows", "900"])
        assert done.exit_code == 0
        return tmp_path

    def check_odd_names(self, folder: Path, recorded: str) -> None:
        assert read_json(folder, "model", "manifest.json")["data"]["source"] == recorded
        assert read_json(folder, "again", "evaluation.json")["data"]["source"] == recorded
        assert len((folder / "out.csv").read_text().splitlines()) == 901
