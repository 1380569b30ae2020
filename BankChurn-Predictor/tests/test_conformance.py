"""What every service and command line of this repository does."""

import json
from pathlib import Path

import pytest
from bankchurn.cli import app
from bankchurn.sample import generate_sample
from bankchurn.schema import example
from servicekit.testing.commands import CommandConformance, read_json
from servicekit.testing.services import JsonConformance


class TestService(JsonConformance):
    package = "bankchurn"
    requests = {
        "/predict": example(),
        "/predict?explain=true": example(),
        "/predict_batch": {"customers": [example()]},
    }
    bad_bodies = ('{"customers": []}',)
    max_batch_rows = 1000

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls, sealed: Path) -> dict[str, str]:
        return {"MODEL_DIR": str(sealed)}


class TestCommands(CommandConformance):
    package = "bankchurn"
    app = app
    path_commands = {
        "generate": (".csv", "generate HOSTILE --rows 20"),
        "train on": (".csv", "train --data HOSTILE --out new --reports reports"),
        "train into": ("", "train --data in.csv --out HOSTILE --reports reports"),
        "train and report": ("", "train --data in.csv --out new --reports HOSTILE"),
        "evaluate on": (".csv", "evaluate HOSTILE --model MODEL --reports reports"),
        "evaluate a model": ("", "evaluate in.csv --model HOSTILE --reports reports"),
        "evaluate and report": ("", "evaluate in.csv --model MODEL --reports HOSTILE"),
        "split by a model": ("", "split in.csv --model HOSTILE --training a.csv --held-out b.csv"),
        "predict from": (".csv", "predict HOSTILE out.csv --model MODEL"),
        "predict to CSV": (".csv", "predict in.csv HOSTILE --model MODEL"),
        "predict to Parquet": (".parquet", "predict in.csv HOSTILE --model MODEL"),
        "predict with a model": ("", "predict in.csv out.csv --model HOSTILE"),
        "explain": ("", "explain HOSTILE --model MODEL"),
        "explain with a model": ("", "explain customer.json --model HOSTILE"),
    }
    pipe_commands = (
        "predict in.csv pipe.csv --model MODEL",
        "predict in.csv pipe.parquet --model MODEL",
    )
    link_command = ("predict in.csv out.csv --model MODEL", 700)
    same_file_commands = (
        "predict in.csv hard.csv --model MODEL",
        "predict in.csv symbolic.csv --model MODEL",
    )
    signer_commands = {
        "evaluate": "evaluate in.csv --reports reports --model MODEL",
        "predict": "predict in.csv out.csv --model MODEL",
        "explain": "explain customer.json --model MODEL",
    }
    odd_name_commands = (
        ("train --data NAME.csv --out NAME/model --reports NAME/reports --folds 2", 0),
        ("evaluate NAME.csv --model NAME/model --reports NAME/again", 0),
        ("predict NAME.csv NAME/out.csv --model NAME/model", 0),
        # The table that was predicted has the columns that predict adds.
        ("predict NAME/out.csv NAME/out.parquet --model NAME/model", 2),
        ("generate NAME/sample.parquet --rows 20", 0),
    )

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        generate_sample(700, seed=2).to_csv("in.csv", index=False)
        Path("customer.json").write_text(json.dumps(example()))
        return tmp_path

    def check_odd_names(self, folder: Path, recorded: str) -> None:
        assert read_json(folder, "model", "manifest.json")["data"]["source"] == recorded
        assert read_json(folder, "again", "evaluation.json")["data"]["source"] == recorded
        assert len((folder / "out.csv").read_text().splitlines()) == 701
