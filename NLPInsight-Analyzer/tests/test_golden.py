import unicodedata

import numpy as np
import pytest
from nlpinsight.golden import golden_texts, make_golden_set
from nlpinsight.model import SentimentModel
from nlpinsight.schema import LABELS
from nlpinsight.text import normalise_all
from nlpinsight.tfidf import TfidfConfig
from pinproof import SealError


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


class Blurred:
    """The model, on processors that differ by as much as is said."""

    def __init__(self, model: SentimentModel, tolerance: float) -> None:
        self.backend = model.backend
        self.tolerance = tolerance
        self.read = model.read
        self.scores = model.scores
        self.answer = model.answer
        self.replay = model.replay


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
