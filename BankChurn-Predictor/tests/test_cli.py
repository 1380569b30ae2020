import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from bankchurn.cli import app
from bankchurn.sample import generate_sample
from bankchurn.schema import FEATURES, example
from typer.testing import CliRunner

run = CliRunner().invoke


@pytest.fixture
def customer_file(customer: dict[str, object], tmp_path: Path) -> Path:
    path = tmp_path / "customer.json"
    path.write_text(json.dumps(customer))
    return path


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "explain", "generate"])
def test_every_command_has_a_help(command: str) -> None:
    result = run(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_generate_writes_the_table_that_the_generator_gives(tmp_path: Path) -> None:
    result = run(app, ["generate", str(tmp_path / "a.csv"), "--rows", "30", "--seed", "4"])
    assert result.exit_code == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.csv"), generate_sample(30, seed=4))


def test_train_seals_a_model_that_evaluate_predict_and_explain_use(
    customer_file: Path, tmp_path: Path
) -> None:
    data, model, reports = tmp_path / "a.csv", tmp_path / "model", tmp_path / "reports"
    generate_sample(700, seed=2).to_csv(data, index=False)
    train = ["train", "--data", data, "--out", model, "--reports", reports, "--folds", "2"]
    result = run(app, [str(part) for part in train])
    assert result.exit_code == 0, result.output
    assert f"Sealed bankchurn {version('bankchurn')}+" in result.output
    digest = hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()
    assert f"MODEL_SHA256={digest}\n" in result.output
    assert json.loads((model / "manifest.json").read_text())["data"]["source"] == "a.csv"
    trained = json.loads((reports / "evaluation.json").read_text())
    assert trained["data"]["rows"] == 700

    assert trained["training_profile"]["rows"] == 560
    assert trained["training_overlap"] == {
        "rows": 140, "compared": 140, "seen": 0, "share": 0.0,
    }  # fmt: skip
    blank = int(generate_sample(700, seed=2)["Tenure"].isna().sum())
    unknown = f"Tenure is unknown for {blank} customers: the training median is used."
    assert trained["notices"] == [unknown]

    use = ["--model", str(model)]
    result = run(app, ["evaluate", str(data), *use, "--reports", str(tmp_path / "again")])
    assert result.exit_code == 0, result.output
    seen = "80.0% of the 700 customers are among those that the model was trained on"
    assert seen in " ".join(result.output.split())
    evaluated = json.loads((tmp_path / "again" / "evaluation.json").read_text())
    assert evaluated["evaluation"]["metrics"]["customers"] == 700
    assert evaluated["cross_validation"] is None
    assert evaluated["threshold"] == trained["threshold"]
    assert evaluated["training_profile"] == trained["training_profile"]
    assert evaluated["training_overlap"] == {
        "rows": 700, "compared": 700, "seen": 560, "share": 0.8,
    }  # fmt: skip
    assert evaluated["notices"][0].startswith(seen)
    assert unknown in evaluated["notices"]

    result = run(app, ["predict", str(data), str(tmp_path / "out.parquet"), *use])
    assert result.exit_code == 0, result.output
    assert f"Scored 700 customers with {version('bankchurn')}+" in result.output
    assert unknown in result.output

    result = run(app, ["explain", str(customer_file), *use, "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.output)
    assert answer["explanation"]["base_probability"] + sum(
        answer["feature_contributions"].values()
    ) == pytest.approx(answer["churn_probability"], abs=1e-6)


def test_explain_prints_a_table_with_base_and_sum(sealed: Path, customer_file: Path) -> None:
    result = run(app, ["explain", str(customer_file), "--model", str(sealed)])
    assert result.exit_code == 0, result.output
    for word in ("Probability of churn", "EstimatedSalary", "101348.88", "base", "sum"):
        assert word in result.output


def test_explain_prints_the_marks_on_an_answer(
    sealed: Path, customer: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "customer.json"
    path.write_text(json.dumps(customer | {"Age": 100}))
    result = run(app, ["explain", str(path), "--model", str(sealed)])
    assert result.exit_code == 0, result.output
    assert (
        "Warning (outside_training_range): Age 100 is outside the training range, 20 to"
    ) in result.output


def test_every_command_prints_although_the_output_is_ascii(
    sealed: Path, sample: pd.DataFrame, customer_file: Path, tmp_path: Path
) -> None:
    data = tmp_path / "kunden-\u00fc\u2192.csv"
    sample.to_csv(data, index=False)
    out = tmp_path / "out-\u2192.csv"
    for command in (
        ["explain", customer_file],
        ["evaluate", data, "--reports", tmp_path / "reports"],
        ["predict", data, out],
    ):
        process = subprocess.run(
            [sys.executable, "-m", "bankchurn", *map(str, command), "--model", str(sealed)],
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr.decode()
        assert b"Traceback" not in process.stderr
        assert process.stdout.decode()
    assert out.exists()


def test_predict_says_how_many_answers_are_marked(
    sealed: Path, sample: pd.DataFrame, tmp_path: Path
) -> None:
    table = sample.head(50).assign(Age=100)
    table.to_csv(tmp_path / "a.csv", index=False)
    arguments = ["predict", tmp_path / "a.csv", tmp_path / "out.csv", "--model", sealed]
    result = run(app, [str(part) for part in arguments])
    assert result.exit_code == 0, result.output
    assert (
        "50 answers are marked in the column warnings, because the customer is outside the "
        "training data: outside_training_range:Age 50"
    ) in result.output


def test_no_warning_of_a_library_reaches_the_user(sealed: Path, tmp_path: Path) -> None:
    names = list(FEATURES)
    row = {name: str(value) for name, value in example().items()}
    rows = [row | {"Geography": ""}, row | {"Age": "42.5", "HasCrCard": ""}]
    pd.DataFrame(rows)[names].to_csv(tmp_path / "a.csv", index=False)
    process = subprocess.run(
        [
            *(sys.executable, "-m", "bankchurn", "predict", tmp_path / "a.csv"),
            *(tmp_path / "out.csv", "--model", sealed),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 2
    message = process.stderr[process.stderr.index("error: ") :]
    assert message == (
        f"error: {tmp_path}/a.csv: 2 rows do not fit (rows are counted from 1, without the "
        "header):\n"
        "  column Geography must be one of France, Spain, Germany; row 1: blank\n"
        "  column Age must be a whole number from 18 to 100; row 2: '42.5'\n"
        "  column HasCrCard must be a whole number from 0 to 1; row 2: blank\n"
        "Correct or remove these rows and run the command again. Nothing was written.\n"
    )
    assert "Warning" not in process.stderr


def test_columns_that_are_no_inputs_are_said_to_be_ignored(
    sealed: Path, sample: pd.DataFrame, tmp_path: Path
) -> None:
    extra = {f"x{number}": 1 for number in range(11)}
    sample.assign(**extra).to_csv(tmp_path / "a.csv", index=True)
    arguments = ["evaluate", tmp_path / "a.csv", "--model", sealed, "--reports", tmp_path / "r"]
    result = run(app, [str(part) for part in arguments])
    assert result.exit_code == 0, result.output
    shown = ", ".join(["''", *(f"'x{number}'" for number in range(9))])
    assert (
        f"Notice: ignored 12 columns that are not inputs: {shown} and 2 more\n"
    ) in result.output


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "the document: Invalid JSON"),
        ("[]", "the document: Input should be an object"),
        ("{}", "CreditScore: Field required"),
        ('{"Age": NaN}', "Age:"),
        ('{"Age": 42, "Age": 17}', "The key 'Age' comes more than once in one object."),
    ],
)
def test_explain_refuses_what_is_not_a_customer(document: str, message: str) -> None:
    result = run(app, ["explain", "-"], input=document)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "A customer looks like this" in result.stderr


def test_a_model_that_is_not_there_is_refused_with_a_remedy(
    customer_file: Path, tmp_path: Path
) -> None:
    result = run(app, ["explain", str(customer_file), "--model", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: There is no sealed model at ")


def test_another_manifest_than_the_expected_one_is_refused(
    sealed: Path, customer_file: Path
) -> None:
    use = ["--model", str(sealed), "--model-sha256", "0" * 64]
    result = run(app, ["explain", str(customer_file), *use])
    assert result.exit_code == 1
    assert "the deployment expects" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "none.csv", "out.csv"], "none.csv does not exist"),
        (["predict", "none.parquet", "out.csv"], "none.parquet does not exist"),
        (["predict", "table.txt", "out.csv"], "whose name ends in .csv, .csv.gz"),
        (["train", "--data", "none.csv"], "none.csv does not exist"),
        (["generate", "none/out.csv"], "none/out.csv cannot be written"),
        (["generate", "out.xlsx"], "Name it .csv or .parquet"),
    ],
)
def test_unusable_paths_are_refused_with_exit_code_2(
    arguments: list[str],
    message: str,
    sealed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    use = ["--model", str(sealed)] if arguments[0] == "predict" else []
    result = run(app, [*arguments, *use])
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_training_on_a_bad_table_seals_nothing(tmp_path: Path) -> None:
    data, model = tmp_path / "a.csv", tmp_path / "model"
    generate_sample(200, seed=2).assign(Age=7).to_csv(data, index=False)
    result = run(app, ["train", "--data", str(data), "--out", str(model)])
    assert result.exit_code == 2
    assert "200 rows do not fit" in result.stderr
    assert not model.exists()


@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_an_input_that_is_missing_is_named_before_a_model_is_opened(
    name: str, tmp_path: Path
) -> None:
    arguments = ["predict", tmp_path / name, tmp_path / "out.csv", "--model", tmp_path / "model"]
    result = run(app, [str(part) for part in arguments])
    assert result.exit_code == 2
    assert f"{name} does not exist. Check the path." in result.stderr


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        pytest.fail("the training began")

    monkeypatch.setattr("bankchurn.training.train.train", fail)
    monkeypatch.setattr("bankchurn.evaluation.evaluation.evaluate_pipeline", fail)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("out", "reports", "code", "message"),
    [
        ("file", "reports", 1, "is not a sealed model"),
        ("precious", "reports", 1, "is not a sealed model"),
        ("file/model", "reports", 2, "file/model cannot be written"),
        ("model", "file", 2, "file is a file. Give the name of a folder."),
        ("model", "taken", 2, "evaluation.json is a folder"),
        ("model", "model/reports", 2, "lies in the model's folder"),
    ],
)
def test_places_that_cannot_be_written_are_refused_before_training(
    out: str, reports: str, code: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "taken" / "evaluation.json").mkdir(parents=True)
    result = run(app, ["train", "--out", str(tmp_path / out), "--reports", str(tmp_path / reports)])
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["file"]
    assert not (tmp_path / "model").exists()


@pytest.mark.usefixtures("no_training")
def test_a_report_that_cannot_be_written_is_refused_before_measuring(
    sealed: Path, sample: pd.DataFrame, tmp_path: Path
) -> None:
    sample.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "file").touch()
    arguments = ["evaluate", tmp_path / "a.csv", "--model", sealed, "--reports", tmp_path / "file"]
    result = run(app, [str(part) for part in arguments])
    assert result.exit_code == 2
    assert "file is a file. Give the name of a folder." in result.stderr


def test_customers_of_one_outcome_can_be_measured_but_not_learned_from(
    sealed: Path, sample: pd.DataFrame, tmp_path: Path
) -> None:
    stayed = sample[sample["Exited"] == 0].assign(CustomerId=float("nan"))
    stayed.to_csv(tmp_path / "a.csv", index=False)
    reports = ["--reports", str(tmp_path / "reports")]
    result = run(app, ["evaluate", str(tmp_path / "a.csv"), "--model", str(sealed), *reports])
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "reports" / "evaluation.json").read_text())
    assert report["evaluation"]["metrics"]["auc"] is None
    assert report["evaluation"]["metrics"]["customers"] == len(stayed)

    out = ["--out", str(tmp_path / "model"), *reports]
    result = run(app, ["train", "--data", str(tmp_path / "a.csv"), *out])
    assert result.exit_code == 2
    assert "0 customers who left; training" in result.stderr
