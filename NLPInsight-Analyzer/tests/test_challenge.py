"""The commands `split` and `score`, which `modelwatch challenge` runs."""

import csv
from pathlib import Path

import pytest
from modelwatch.testing.split_conformance import SplitConformance
from nlpinsight.cli import app
from nlpinsight.data.corpus import Corpus, load_corpus, write_corpus
from nlpinsight.data.leakage import digest_texts
from nlpinsight.model import SentimentModel, predict_sentiments
from nlpinsight.sample import generate_sample
from nlpinsight.training.evaluate_and_seal import EvaluatedModel
from typer.testing import CliRunner


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, corpus: Corpus) -> Path:
    """The texts of the model's training and test, and as many later ones."""
    later = generate_sample(1200, seed=11)
    path = tmp_path_factory.mktemp("data") / "texts.csv"
    both = Corpus(corpus.texts + later.texts, corpus.labels + later.labels, "both")
    path.write_bytes(write_corpus(both))
    return path


@pytest.fixture(scope="module")
def parts(sealed: Path, table: Path) -> tuple[Path, Path]:
    training, held_out = table.parent / "training.csv", table.parent / "held-out.csv"
    run("split", table, "--model", sealed, "--training", training, "--held-out", held_out)
    return training, held_out


def test_split_holds_out_a_fifth_that_the_model_was_not_trained_on(
    parts: tuple[Path, Path], training: EvaluatedModel
) -> None:
    kept, held_out = map(load_corpus, parts)
    assert len(held_out) == pytest.approx(0.2 * (len(kept) + len(held_out)), abs=20)
    assert training.sketch is not None
    assert not set(digest_texts(held_out.texts)) & training.sketch.digests
    assert not set(digest_texts(held_out.texts)) & set(digest_texts(kept.texts))


def test_split_refuses_texts_of_the_training_only(
    sealed: Path, training: EvaluatedModel, corpus: Corpus, tmp_path: Path
) -> None:
    assert training.sketch is not None
    digests = digest_texts(corpus.texts)
    seen = [index for index, one in enumerate(digests) if one in training.sketch.digests]
    (tmp_path / "seen.csv").write_bytes(write_corpus(corpus.only(seen)))
    options = ["--training", tmp_path / "a.csv", "--held-out", tmp_path / "b.csv"]
    arguments = ["split", tmp_path / "seen.csv", "--model", sealed, *options]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 2
    assert "None of these rows is certainly unseen by nlpinsight" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seen.csv"]


class TestSplit(SplitConformance):
    app = app


def test_score_writes_what_the_model_answers(
    parts: tuple[Path, Path], sealed: Path, model: SentimentModel, tmp_path: Path
) -> None:
    held_out = load_corpus(parts[1])
    run("score", parts[1], tmp_path / "scores.csv", "--model", sealed)
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    expected = {"row", "trained_on", "outcome", "output.label", "output.confidence", "cpu_us"}
    assert set(rows[0]) == expected | {"group.words"}
    assert [int(row["row"], 16) for row in rows] == digest_texts(held_out.texts)
    assert {row["trained_on"] for row in rows} == {"no"}
    assert tuple(row["outcome"] for row in rows) == held_out.labels
    answers = predict_sentiments(model, held_out.texts)
    assert [row["output.label"] for row in rows] == [one.label for one in answers]
    confidence = [one.confidence for one in answers]
    assert [float(row["output.confidence"]) for row in rows] == pytest.approx(confidence, abs=1e-9)
    assert len([row for row in rows if row["cpu_us"]]) == 100
    short = next(
        row for row, text in zip(rows, held_out.texts, strict=True) if len(text.split()) == 8
    )
    assert short["group.words"] == "6-10"


def test_score_marks_training_texts(
    table: Path, sealed: Path, training: EvaluatedModel, tmp_path: Path
) -> None:
    run("score", table, "--model", sealed, tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        marked = [row["trained_on"] for row in csv.DictReader(file)]
    assert training.sketch is not None
    seen = [one in training.sketch.digests for one in digest_texts(load_corpus(table).texts)]
    assert marked == ["yes" if one else "no" for one in seen]
    assert marked.count("yes") >= 900
