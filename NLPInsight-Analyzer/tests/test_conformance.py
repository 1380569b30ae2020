"""What every service and command line of this repository does."""

from pathlib import Path

import pytest
from nlpinsight.cli import app
from nlpinsight.schema import MAX_BATCH_TEXTS
from servicekit.testing.commands import CommandConformance, read_json
from servicekit.testing.services import JsonConformance
from typer.testing import CliRunner


class TestService(JsonConformance):
    package = "nlpinsight"
    requests = {
        "/predict": {"text": "Acme beats estimates"},
        "/predict_batch": {"texts": [{"text": "profit rises"}]},
    }
    bad_bodies = ('{"texts": []}', '{"text": ["a"]}')
    max_batch_rows = MAX_BATCH_TEXTS

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls, sealed: Path) -> dict[str, str]:
        return {"MODEL_DIR": str(sealed)}


class TestCommands(CommandConformance):
    package = "nlpinsight"
    app = app
    path_commands = {
        "generate": (".csv", "generate HOSTILE --texts 20"),
        "train on": (".jsonl", "train --data HOSTILE --out new --reports reports"),
        "train, held out": (
            ".csv",
            "train --data in.csv --valid HOSTILE --out new --reports reports",
        ),
        "train into": ("", "train --data in.csv --out HOSTILE --reports reports"),
        "train and report": ("", "train --data in.csv --out new --reports HOSTILE"),
        "evaluate on": (".csv", "evaluate HOSTILE --model MODEL --reports reports"),
        "evaluate a model": ("", "evaluate in.csv --model HOSTILE --reports reports"),
        "evaluate and report": ("", "evaluate in.csv --model MODEL --reports HOSTILE"),
        "evaluate, learned from": (
            ".csv",
            "evaluate in.csv --model MODEL --reports reports --training HOSTILE",
        ),
        "split by a model": ("", "split in.csv --model HOSTILE --training a.csv --held-out b.csv"),
        "predict from": (".txt", "predict HOSTILE out.csv --model MODEL"),
        "predict to CSV": (".csv", "predict in.csv HOSTILE --model MODEL"),
        "predict to JSON lines": (".jsonl", "predict in.csv HOSTILE --model MODEL"),
        "predict with a model": ("", "predict in.csv out.csv --model HOSTILE"),
        "explain with a model": ("", "explain good --model HOSTILE"),
    }
    pipe_commands = (
        "predict in.csv pipe.csv --model MODEL",
        "predict in.csv pipe.jsonl --model MODEL",
    )
    link_command = ("predict in.csv out.csv --model MODEL", 1200)
    same_file_commands = (
        "predict in.csv hard.csv --model MODEL",
        "predict in.csv symbolic.csv --model MODEL",
    )
    signer_commands = {
        "evaluate": "evaluate in.csv --reports reports --model MODEL",
        "predict": "predict in.csv out.csv --model MODEL",
        "explain": "explain rises --model MODEL",
    }
    odd_name_commands = (
        ("train --data NAME.csv --out NAME/model --reports NAME/reports", 0),
        ("evaluate NAME.csv --model NAME/model --reports NAME/again --training NAME.csv", 0),
        ("predict NAME.csv NAME/out.csv --model NAME/model", 0),
        ("predict NAME/out.csv NAME/out.jsonl --model NAME/model", 0),
        ("generate NAME/sample.jsonl --texts 20", 0),
    )

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        made = CliRunner().invoke(app, ["generate", "in.csv", "--texts", "1200"])
        assert made.exit_code == 0, made.output
        return tmp_path

    def check_odd_names(self, folder: Path, recorded: str) -> None:
        manifest = read_json(folder, "model", "manifest.json")
        assert manifest["data"]["held_out"]["source"] == recorded
        assert read_json(folder, "again", "evaluation.json")["training"]["source"] == recorded
