import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from modelseal import GoldenValue, SealError
from modelseal.golden import disagreements
from nlpinsight.arrays import Float64Array
from nlpinsight.backends.tfidf import TfidfConfig
from nlpinsight.golden import golden_texts, make_golden_set
from nlpinsight.model import Reading, SentimentModel
from nlpinsight.schema import LABELS
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.evaluate_and_seal import EvaluatedModel, seal
from pydantic import JsonValue


def test_golden_texts_are_of_every_label_and_from_every_region(model: SentimentModel) -> None:
    golden = make_golden_set(model)
    texts = [str(text) for text in golden.inputs]

    assert set(golden.outputs["label"]) == set(LABELS)
    assert any(len(text) > TfidfConfig().characters for text in texts)
    assert any(len(text) == 1 for text in texts)
    scripts = {unicodedata.name(one).split()[0] for text in texts for one in text if one.isalpha()}
    assert {"LATIN", "ARABIC", "CJK", "FULLWIDTH"} <= scripts
    assert any("\x00" in text for text in texts)
    assert any(not unicodedata.is_normalized("NFC", text) for text in texts)


def test_all_golden_texts_can_be_judged() -> None:
    assert len(normalise_all(golden_texts())) == len(golden_texts())


class Blurred(SentimentModel):
    """The model, on processors that differ by as much as is said."""

    def __init__(self, model: SentimentModel, tolerance: float) -> None:
        self.backend = model.backend
        self.tolerance = tolerance
        self.model = model
        self.calibrator = model.calibrator

    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        return self.model.read(texts)

    def decide(self, texts: Sequence[str]) -> tuple[Float64Array, list[Reading]]:
        return self.model.decide(texts)

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        return self.model.replay(inputs)


def test_texts_between_two_labels_are_left_out(model: SentimentModel) -> None:
    golden = make_golden_set(Blurred(model, 0.05))

    scores = np.sort(np.array(golden.outputs["single_scores"]), axis=1)
    assert 0 < len(golden.inputs) < len(golden_texts())
    assert (scores[:, -1] - scores[:, -2]).min() > 4 * 0.05
    assert golden.tolerances["single_scores"].absolute == 0.05
    assert golden.tolerances["label"].absolute == 0


def test_a_model_that_prefers_nothing_cannot_be_sealed(model: SentimentModel) -> None:
    with pytest.raises(SealError, match="prefers no label"):
        make_golden_set(Blurred(model, 0.3))


def test_paths_of_one_answer_are_declared_as_such(model: SentimentModel) -> None:
    golden = make_golden_set(model)

    assert [agreement.outputs for agreement in golden.agreements] == [
        ("single_scores", "batch_scores"),
        ("decision", "explained_decision"),
    ]
    assert disagreements(golden, golden.outputs) == []


class OtherInBatches(Blurred):
    """The model with a batch path that answers texts in another order."""

    def __init__(self, model: SentimentModel) -> None:
        super().__init__(model, model.tolerance)

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        answers = dict(self.model.replay(inputs))
        return answers | {"batch_scores": answers["batch_scores"][::-1]}


def test_a_model_whose_batches_answer_otherwise_cannot_be_sealed(
    training: EvaluatedModel, tmp_path: Path
) -> None:
    other = replace(training, model=OtherInBatches(training.model))

    with pytest.raises(SealError, match="'single_scores' and 'batch_scores' are the same answer"):
        seal(other, tmp_path / "model")

    assert not (tmp_path / "model").exists()
