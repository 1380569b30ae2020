"""What every service and command line of this repository does, and what is ChicagoTaxi's own."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from batches import predict
from chicagotaxi.cli import app
from chicagotaxi.history.panel import Panel
from servicekit.testing.commands import (
    NOT_UTF8,
    CommandConformance,
    SignedModel,
    read_json,
    run_command,
)
from servicekit.testing.hostile_paths import snapshot
from servicekit.testing.services import ServiceConformance
from typer.testing import CliRunner


class TestService(ServiceConformance):
    package = "chicagotaxi"
    requests = {"/demand?area=8&hour=14": None, "/areas": None, "/pipeline/status": None}
    answered_without_model = frozenset({"/pipeline/status"})

    @pytest.fixture(scope="class")
    @classmethod
    def environment(
        cls, sealed: Path, panel: Panel, tmp_path_factory: pytest.TempPathFactory
    ) -> dict[str, str]:
        folder = tmp_path_factory.mktemp("pipeline")
        predict(sealed, panel, folder)
        return {"MODEL_DIR": str(sealed), "PREDICTIONS_DIR": str(folder / "predictions")}


class TestCommands(CommandConformance):
    package = "chicagotaxi"
    app = app
    path_commands = {
        "generate CSV": (".csv", "generate HOSTILE --rows 100"),
        "generate Parquet": (".parquet", "generate HOSTILE --rows 100"),
        "fetch": (
            "",
            "fetch HOSTILE --first 2024-01-01 --last 2024-01-01 --portal http://127.0.0.1:9",
        ),
        "etl of": (".csv", "etl HOSTILE --out out"),
        "etl to": ("", "etl trips.csv --out HOSTILE"),
        "etl, dropped rows": (".parquet", "etl trips.csv --out out --quarantine HOSTILE"),
        "train on": (".csv", "train --data HOSTILE --out new --reports reports"),
        "train into": ("", "train --data counts.csv --out HOSTILE --reports reports"),
        "train and report": ("", "train --data counts.csv --out new --reports HOSTILE"),
        "backtest on": (".csv", "backtest --data HOSTILE --reports reports"),
        "backtest and report": ("", "backtest --data counts.csv --reports HOSTILE"),
        "backtest to": (".json", "backtest --data counts.csv --reports . --name HOSTILE"),
        "split by a model": (
            "",
            "split counts.csv --model HOSTILE --training a.csv --held-out b.csv",
        ),
        "predict": ("", "predict --out HOSTILE --model MODEL"),
        "predict with a model": ("", "predict --out pipeline --model HOSTILE"),
        "hindcast of": ("", "hindcast past --out HOSTILE --model MODEL"),
        "hindcast with a model": ("", "hindcast past --out pipeline --model HOSTILE"),
        "hindcast to": ("", "hindcast HOSTILE --out pipeline --model MODEL --every 100000"),
        "outcomes to": (".parquet", "outcomes HOSTILE --out pipeline"),
        "outcomes of": ("", "outcomes new.parquet --out HOSTILE"),
        "run of": (".csv", "run HOSTILE --out out --model MODEL"),
        "run to": ("", "run trips.csv --out HOSTILE --model MODEL"),
        "run with a model": ("", "run trips.csv --out out --model HOSTILE"),
    }
    pipe_commands = (
        "generate pipe.csv --rows 100",
        "etl trips.csv --out out --quarantine pipe.csv",
        "outcomes pipe.csv --out pipeline",
        "backtest --data counts.csv --reports . --name pipe.csv",
    )
    link_command = ("generate out.csv --rows 100", 100)
    same_file_commands = (
        "etl trips.csv --out out --quarantine hard.csv",
        "etl trips.csv --out out --quarantine symbolic.csv",
        "etl trips.csv --out out --quarantine trips.csv",
        "etl trips.csv --out out --quarantine sub/../trips.csv",
        "backtest --data counts.csv --reports . --name counts.csv",
    )
    input_file = "trips.csv"
    signer_commands = {
        "predict": "predict --out pipeline --model MODEL",
        "hindcast": "hindcast forecasts --out pipeline --every 2000 --model MODEL",
    }
    odd_name_commands = (
        ("generate NAME/trips.parquet --rows 100", 0),
        ("generate NAME/trips.csv.gz --rows 100", 0),
        (
            "train --data NAME.csv --out NAME/model --reports NAME/reports --folds 1 --rows 5000",
            0,
        ),
        ("predict --out pipeline --model NAME/model", 0),
    )
    odd_name_input = "counts.csv"

    @pytest.fixture
    def place(
        self, output: Path, hourly_frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
    ) -> Path:
        """A folder with what the commands need, as the current one."""
        monkeypatch.chdir(output.parent)
        hourly_frame.to_csv("counts.csv", index=False)
        Path("sub").mkdir()
        made = CliRunner().invoke(app, ["generate", "trips.csv", "--rows", "3000", "--days", "2"])
        assert made.exit_code == 0, made.output
        return output.parent

    def check_odd_names(self, folder: Path, recorded: str) -> None:
        assert read_json(folder, "model", "manifest.json")["data"]["source"] == recorded
        assert read_json(folder, "reports", "backtest.json")["data"]["source"] == recorded

    def test_a_pipe_as_the_input_is_refused_and_not_waited_for(
        self, place: Path, sealed: Path
    ) -> None:
        os.mkfifo(place / "pipe.csv")
        done = self.run("etl pipe.csv --out out", sealed)
        assert done.exit_code == 2
        assert "pipe.csv is a pipe. Give a file, a folder or a pattern." in done.stderr

    def test_a_file_of_an_input_folder_is_refused_as_the_output(
        self, place: Path, sealed: Path
    ) -> None:
        shutil.rmtree("pipeline")
        Path("counts.csv").rename("counts.txt")
        before = snapshot(place)
        done = self.run("etl . --out out --quarantine sub/../trips.csv", sealed)
        assert done.exit_code == 2
        assert "is the input itself" in done.stderr
        assert snapshot(place) == before

    @pytest.mark.parametrize(
        "words",
        [
            f"etl {NOT_UTF8}.csv --out out",
            f"etl trips.csv --out {NOT_UTF8}",
            f"etl trips.csv --out out --quarantine {NOT_UTF8}/dropped.parquet",
            f"predict --out {NOT_UTF8} --model MODEL",
            f"hindcast {NOT_UTF8} --out pipeline --model MODEL --every 100000",
        ],
    )
    def test_a_path_that_an_engine_reads_or_writes_must_be_utf8(
        self, place: Path, sealed: Path, words: str
    ) -> None:
        shutil.copy("trips.csv", f"{NOT_UTF8}.csv")
        shutil.copytree("pipeline", NOT_UTF8)
        before = snapshot(place)
        done = run_command(self.package, words.replace("MODEL", str(sealed)))
        assert done.returncode == 2, done.stderr.decode()
        assert b"the path is not UTF-8" in done.stderr
        assert snapshot(place) == before

    @pytest.mark.parametrize("option", ["--signer", "--model-sha256"])
    def test_run_trains_no_model_in_place_of_the_one_that_is_asked_for(
        self, option: str, signed: SignedModel, tmp_path: Path
    ) -> None:
        asked = signed.signer if option == "--signer" else "0" * 64
        out = tmp_path / "run"
        done = self.run(f"run --model {tmp_path / 'none'} --out {out}", signed.model, option, asked)
        assert done.exit_code == 1
        assert "error: There is no sealed model at" in done.stderr
        assert not out.exists()

    def test_run_refuses_a_model_of_another_signer_before_any_work(
        self, signed: SignedModel, tmp_path: Path
    ) -> None:
        out = tmp_path / "run"
        done = self.run(f"run --model MODEL --out {out}", signed.model, "--signer", signed.other)
        assert done.exit_code == 1
        assert "which is not a signer that is accepted here" in done.stderr
        assert not out.exists()
