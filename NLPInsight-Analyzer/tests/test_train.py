import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from modelseal import open_sealed
from modelseal.errors import FileDigestError, SealError
from modelseal.golden import differences
from nlpinsight.data.corpus import Corpus
from nlpinsight.data.leakage import digest_texts
from nlpinsight.data.split import split_and_filter
from nlpinsight.evaluation.reliability import CalibrationFit
from nlpinsight.model import CONFIG, SentimentModel, load
from nlpinsight.schema import LABELS
from nlpinsight.training.evaluate_and_seal import EvaluatedModel, evaluate_trained, seal
from nlpinsight.training.train_tfidf import train_tfidf
from nlpinsight.training.trained_model import TrainedModel
from servicekit.files import DataError
from servicekit.training_rows import ROW_SKETCH, RowSketch


def test_a_sealed_model_opens_and_answers_as_the_one_in_memory(
    sealed: Path, training: EvaluatedModel, corpus: Corpus
) -> None:
    opened = open_sealed(sealed)

    assert isinstance(opened.predictor, SentimentModel)
    assert np.array_equal(
        opened.predictor.scores(corpus.texts), training.model.scores(corpus.texts)
    )
    assert opened.manifest.name == "nlpinsight"
    assert opened.manifest.version == training.report.model_version
    assert opened.manifest.metrics["accuracy"] == training.report.evaluation.metrics.accuracy
    assert opened.manifest.parameters["backend"] == "tfidf"


def test_the_texts_of_the_training_are_sealed_as_digests(
    sealed: Path, training: EvaluatedModel, corpus: Corpus
) -> None:
    learned, held_out = split_and_filter(corpus, None, seed=5)
    sketch = open_sealed(sealed).manifest.data[ROW_SKETCH]
    assert isinstance(sketch, dict)

    found = RowSketch.from_json(sketch)

    assert found.overlap(digest_texts(learned.corpus.texts)).share == 1
    assert found.overlap(digest_texts(map(str.upper, learned.corpus.texts))).share == 1
    assert found.overlap(digest_texts(held_out.texts)).seen == 0
    assert training.report.evaluation.training_overlap is not None
    assert training.report.evaluation.training_overlap["seen"] == 0


def test_the_meaning_of_numbers_is_sealed(corpus: Corpus, tmp_path: Path) -> None:
    order = {"-1": "negative", "0": "neutral", "1": "positive"}
    learned, held_out = split_and_filter(replace(corpus, label_map=order), None, seed=5)
    seal(
        evaluate_trained(train_tfidf(learned.corpus, held_out), held_out, learned),
        tmp_path / "model",
    )

    data = open_sealed(tmp_path / "model").manifest.data
    assert data["training"]["label_map"] == data["held_out"]["label_map"] == order  # type: ignore[call-overload, index]


def test_the_calibrator_is_sealed_and_its_reliability_reported(
    sealed: Path, training: EvaluatedModel
) -> None:
    assert training.report.training is not None
    details = CalibrationFit.model_validate(training.report.details["calibration"])
    texts = training.report.training["texts"]
    predictor = open_sealed(sealed).predictor

    assert isinstance(predictor, SentimentModel)
    assert predictor.calibrator == details.calibrator
    assert details.as_they_are.texts == details.words_hidden.texts == texts
    assert details.calibrator.texts == 2 * int(str(texts))
    assert sum(band.texts for band in details.by_vocabulary) == details.calibrator.texts
    assert details.words_hidden.log_loss < details.words_hidden.uncalibrated_log_loss


def test_a_sealed_model_guards_the_libraries_that_answer(sealed: Path) -> None:
    environment = open_sealed(sealed).manifest.environment
    guarded = {name for name, one in environment.items() if one.guarded}

    assert {"nlpinsight", "numpy"} <= guarded
    # What trained it does not answer: its versions are recorded, and bind nobody.
    assert not {"scikit-learn", "scipy", "joblib", "onnxruntime"} & guarded
    assert "scikit-learn" in environment


def test_training_learns_the_grammar_of_the_sample(training: EvaluatedModel) -> None:
    metrics = training.report.evaluation.metrics

    assert metrics.accuracy > metrics.majority + 0.2
    assert metrics.macro_f1 > 0.6
    assert training.report.left_out is not None
    assert training.report.details["largest_difference_from_pipeline"] < 1e-12  # type: ignore[operator]


def test_the_version_names_texts_choices_and_libraries(
    training: EvaluatedModel, corpus: Corpus
) -> None:
    learned, held_out = split_and_filter(corpus, None, seed=5)
    made = training.trained
    other_texts, _ = split_and_filter(corpus, None, seed=6)
    other_choice = TrainedModel(made.files, {"C": 1}, made.libraries, {}, 0.0)
    other_library = TrainedModel(made.files, made.parameters, {"numpy": "1.26.5"}, {}, 0.0)

    versions = [
        evaluate_trained(*of).report.model_version
        for of in [
            (made, held_out, learned),
            (made, held_out, other_texts),
            (made, held_out, None),
            (other_choice, held_out, learned),
            (other_library, held_out, learned),
        ]
    ]

    assert versions[0] == training.report.model_version
    assert len(set(versions)) == 5
    assert evaluate_trained(made, held_out, None, version_override="9").report.model_version == "9"


def test_too_few_texts_of_a_label_are_refused(corpus: Corpus) -> None:
    positive = [index for index, label in enumerate(corpus.labels) if label == "positive"]
    others = [index for index, label in enumerate(corpus.labels) if label != "positive"]

    with pytest.raises(DataError, match="19 positive texts to train on"):
        split_and_filter(
            corpus.only([*positive[:19], *others]), corpus.only(positive[30:40]), seed=1
        )
    with pytest.raises(DataError, match="has no text to judge"):
        split_and_filter(corpus, Corpus(("https://a.b",), ("neutral",), "links"), seed=1)


def test_one_changed_weight_is_refused_before_it_is_loaded(sealed: Path, tmp_path: Path) -> None:
    copy(sealed, tmp_path)
    contents = bytearray((tmp_path / "weights.npz").read_bytes())
    contents[len(contents) // 2] ^= 1
    (tmp_path / "weights.npz").write_bytes(contents)

    with pytest.raises(FileDigestError):
        open_sealed(tmp_path)


def test_a_model_that_answers_otherwise_than_it_says_cannot_be_sealed(
    training: EvaluatedModel, corpus: Corpus, tmp_path: Path
) -> None:
    other = train_tfidf(corpus.only(range(0, len(corpus), 2)), corpus)
    swapped = replace(training, trained=other)

    with pytest.raises(SealError, match="answers differently in a fresh process"):
        seal(swapped, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_model_of_other_weights_does_not_pass_for_this_one(sealed: Path, corpus: Corpus) -> None:
    # A writer of the folder can correct all digests; the golden texts still show the change.
    golden = open_sealed(sealed).manifest.golden
    other = train_tfidf(corpus.only(range(0, len(corpus), 2)), corpus)
    assert differences(golden, load(other.files).replay(golden.inputs))


def test_the_config_names_back_end_labels_and_length(training: EvaluatedModel) -> None:
    assert json.loads(training.trained.files[CONFIG]) == {
        "backend": "tfidf",
        "labels": list(LABELS),
        "characters": 10_000,
    }


def copy(source: Path, destination: Path) -> None:
    for file in source.iterdir():
        (destination / file.name).write_bytes(file.read_bytes())
