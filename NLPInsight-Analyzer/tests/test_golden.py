import unicodedata

import numpy as np
from nlpinsight.golden import golden_texts, make_golden_set
from nlpinsight.model import SentimentModel
from nlpinsight.schema import LABELS
from nlpinsight.text import normalise_all
from nlpinsight.tfidf import TfidfConfig


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


def test_texts_between_two_labels_are_left_out(model: SentimentModel) -> None:
    class Unsure:
        backend = model.backend
        tolerance = 0.05
        scores = staticmethod(model.scores)
        answer = staticmethod(model.answer)
        replay = staticmethod(model.replay)

    golden = make_golden_set(Unsure())

    scores = np.sort(np.array(golden.outputs["single_scores"]), axis=1)
    assert 0 < len(golden.inputs) < len(golden_texts())
    assert (scores[:, -1] - scores[:, -2]).min() > 4 * 0.05
    assert golden.tolerances["single_scores"].absolute == 0.05
    assert golden.tolerances["label"].absolute == 0
