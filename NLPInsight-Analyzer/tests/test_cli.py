import importlib.util
import json
import signal
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest
from nlpinsight.cli import app
from nlpinsight.data.corpus import load_corpus
from nlpinsight.sample import generate_sample
from servicekit.testing.commands import end_when
from typer.testing import CliRunner, Result


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], input=stdin)


COMMANDS = ["train", "export", "evaluate", "predict", "explain", "serve", "generate"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help(command: str) -> None:
    result = run(command, "--help")

    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_generate_writes_the_sample(tmp_path: Path) -> None:
    result = run("generate", tmp_path / "a.csv", "--texts", 60, "--seed", 4)

    assert result.exit_code == 0, result.output
    written, expected = load_corpus(tmp_path / "a.csv"), generate_sample(60, seed=4)
    assert (written.texts, written.labels) == (expected.texts, expected.labels)


def test_train_seals_a_model_that_evaluate_predict_and_explain_use(
    labelled_file: Path, tmp_path: Path
) -> None:
    model, reports, use = tmp_path / "model", tmp_path / "reports", ("--model", tmp_path / "model")

    result = run("train", "--data", labelled_file, "--out", model, "--reports", reports)
    assert result.exit_code == 0, result.output
    assert f"Sealed nlpinsight {version('nlpinsight')}+" in result.output
    assert "Back end: tfidf" in result.output
    trained = json.loads((reports / "evaluation.json").read_text())
    assert trained["training"]["source"] == "labelled.jsonl"
    assert trained["data"]["texts"] + trained["training"]["texts"] <= 1200

    again = tmp_path / "again"
    result = run("evaluate", labelled_file, *use, "--reports", again, "--training", labelled_file)
    assert result.exit_code == 0, result.output
    evaluated = json.loads((again / "evaluation.json").read_text())
    assert evaluated["evaluation"]["metrics"]["texts"] == 1200
    assert evaluated["evaluation"]["leakage"]["identical"] == 1200
    overlap = evaluated["evaluation"]["training_overlap"]
    assert overlap["rows"] == overlap["compared"] == 1200
    # Nothing was held out of the training but a fifth, and what has the same words as that.
    assert 0.7 < overlap["share"] < 0.9
    assert (
        f"{overlap['share']:.1%} of the 1,200 texts are among those that the model" in result.output
    )
    assert evaluated["training_seconds"] is None
    assert evaluated["model_version"] == trained["model_version"]

    result = run("predict", labelled_file, tmp_path / "out.csv", *use)
    assert result.exit_code == 0, result.output
    assert f"Predicted 1,200 texts with tfidf {version('nlpinsight')}+" in result.output
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1201

    result = run("explain", "Acme cuts dividend by 5%", *use)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("negative (")
    assert "Contributions to negative" in result.output

    result = run("explain", "-", *use, "--json", "--label", "positive", stdin="[red] profit\n")
    assert result.exit_code == 0, result.output
    explanation = json.loads(result.output)
    assert (explanation["label"], explanation["exact"]) == ("positive", True)
    assert [word["word"] for word in explanation["words"]] == ["[red]", "profit"]


def test_a_text_without_an_end_is_not_read_to_its_end() -> None:
    result = run("explain", "-", stdin="x" * (2**20 + 1))
    assert result.exit_code == 2
    assert "longer than 1,048,576 bytes" in result.stderr


def test_a_text_that_is_not_utf_8_is_refused() -> None:
    result = CliRunner().invoke(app, ["explain", "-"], input=b"soci\xe9t\xe9")

    assert result.exit_code == 2
    assert "not UTF-8 at byte 4. Convert it" in result.stderr


def test_evaluate_counts_the_texts_that_it_leaves_out(sealed: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("text,label\nhttps://a.b,neutral\nprofit rises,positive\n")

    result = run("evaluate", source, "--model", sealed, "--reports", tmp_path)

    assert "left out of the evaluation: 1 texts with nothing to judge" in result.output
    report = json.loads((tmp_path / "evaluation.json").read_text())
    assert (report["data"]["texts"], report["data"]["nothing_to_judge"]) == (1, 1)


def test_evaluate_says_that_no_text_is_known_from_the_training(
    sealed: Path, tmp_path: Path
) -> None:
    source = tmp_path / "a.csv"
    source.write_text("text,label\nUnheard of by any training,neutral\n")

    result = run("evaluate", source, "--model", sealed, "--reports", tmp_path)

    assert result.exit_code == 0, result.output
    assert "None of the 1 texts is among those" in result.output
    report = json.loads((tmp_path / "evaluation.json").read_text())
    assert report["evaluation"]["training_overlap"]["seen"] == 0


def test_held_out_texts_may_be_given(labelled_file: Path, tmp_path: Path) -> None:
    run("generate", tmp_path / "valid.csv", "--texts", 90, "--seed", 77)
    places = ("--out", tmp_path / "model", "--reports", tmp_path / "reports")

    result = run("train", "--data", labelled_file, "--valid", tmp_path / "valid.csv", *places)

    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "reports" / "evaluation.json").read_text())
    assert (report["data"]["source"], report["data"]["texts"]) == ("valid.csv", 90)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "--data", "none.csv"], 2, "does not exist"),
        (["train", "--data", "bad.csv"], 2, "1 row does not fit"),
        (["train", "--data", "bad.csv", "--labels", "tfns"], 2, "1 row does not fit"),
        (["train", "--data", "tiny.csv"], 2, "labels are numbers"),
        (["train", "--data", "tiny.csv", "--labels", "0=bad"], 2, "is not NUMBER=LABEL"),
        (["train", "--data", "tiny.csv", "--labels", "tfns"], 2, "too few to hold some out"),
        (["evaluate", "tiny.csv"], 2, "labels are numbers"),
        (["evaluate", "bad.txt"], 2, "has no labels"),
        (["evaluate", "none.csv"], 2, "does not exist"),
        (["evaluate", "links.csv", "--labels", "tfns"], 2, "has no text to judge"),
        (["predict", "none.csv", "out.csv"], 2, "does not exist"),
        (["predict", "tiny.csv", "out.xlsx"], 2, "neither .csv nor .jsonl"),
        (["predict", "tiny.csv", "tiny.csv"], 2, "is the input itself"),
        (["predict", "bad.txt", "out.csv", "--model", "{model}"], 2, "row 2: ''"),
        (["predict", "tiny.csv", "no/out.csv", "--model", "{model}"], 2, "cannot be written"),
        (["predict", "tiny.csv", "out.csv", "--model", "none"], 1, "manifest"),
        (["explain", " ", "--model", "{model}"], 2, "has nothing to judge"),
        (["explain", "up", "--model", "{model}", "--model-sha256", "0" * 64], 1, "has the SHA-256"),
        (["generate", "out.parquet"], 2, "neither .csv nor .jsonl"),
    ],
)
def test_a_mistake_ends_with_its_code_and_a_message(  # noqa: PLR0917 - one table
    arguments: Sequence[str],
    code: int,
    message: str,
    sealed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.csv").write_text("text,label\nup,9\n,1\n")
    Path("tiny.csv").write_text("text,label\nup,1\n")
    Path("links.csv").write_text("text,label\nhttps://a.b,1\n")
    Path("bad.txt").write_text("up\n\ndown\n")
    before = sorted(path.name for path in tmp_path.iterdir())

    result = run(*(argument.replace("{model}", str(sealed)) for argument in arguments))

    assert result.exit_code == code, result.output
    assert message in result.stderr
    left = {path.name for path in tmp_path.iterdir()} - {"models", "reports"}
    assert sorted(left) == before


@pytest.mark.parametrize("command", [["train", "--backend", "transformer"], ["export", "folder"]])
def test_without_torch_the_command_that_installs_it_is_named(
    command: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else real(name)
    )

    result = run(*command)

    assert result.exit_code == 2
    assert "make train-env-NLPInsight-Analyzer" in result.stderr


@pytest.mark.parametrize(
    ("out", "reports", "code", "message"),
    [
        ("precious", "reports", 1, "is not a sealed model"),
        ("file/model", "reports", 2, "file/model cannot be written"),
        ("model", "file", 2, "file is a file. Give the name of a folder."),
        ("model", "model/reports", 2, "lies in the model's folder"),
    ],
)
def test_places_that_cannot_be_written_are_refused_before_training(  # noqa: PLR0917 - one table
    out: str,
    reports: str,
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: object) -> None:
        pytest.fail("the training began")

    monkeypatch.setattr("nlpinsight.cli.train.train_tfidf", fail)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    (tmp_path / "file").write_text("mine")

    result = run("train", "--out", tmp_path / out, "--reports", tmp_path / reports)

    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["file"]


def test_a_command_that_is_stopped_leaves_nothing_behind(sealed: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.csv"
    source.write_text("Acme profit rises by 5% this year\n" * 500_000)

    def has_begun() -> bool:
        return any(path.stat().st_size > 0 for path in tmp_path.glob(".out.csv-*.csv"))

    predict = ["predict", source, out, "--model", sealed]
    assert end_when("nlpinsight", has_begun, signal.SIGTERM, *predict) == 143
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]
