"""The linear back end: what is served equals the pipeline that was fitted."""

import io
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelseal import open_sealed
from nlpinsight.backends.calibration import softmax
from nlpinsight.backends.linear import LinearModel
from nlpinsight.backends.tfidf import PIPELINE, TfidfModel
from nlpinsight.data.corpus import Corpus, load_texts
from nlpinsight.model import SentimentModel
from nlpinsight.ngrams import character_terms, fold, word_terms
from nlpinsight.training.evaluate_and_seal import EvaluatedModel
from nlpinsight.training.linear_pipeline import AGREEMENT, AgreementError, export, fit_pipeline
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import Pipeline


def from_joblib(contents: bytes) -> Pipeline:
    return joblib.load(io.BytesIO(contents))


def linear(model: SentimentModel) -> LinearModel:
    assert isinstance(model, TfidfModel)
    return model.linear


def test_words_keep_the_marks_that_mean_something() -> None:
    assert word_terms("$AAPL's AT&T -3.5% Q4!")[:6] == [
        "$aapl's",
        "at&t",
        "-0.0%",
        "q0",
        "!",
        "$aapl's at&t",
    ]


@given(st.text(st.sampled_from("ab1 é,"), max_size=30))
def test_runs_of_characters_are_those_of_scikit_learn(text: str) -> None:
    theirs = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), lowercase=False)

    expected = theirs.build_analyzer()(fold(text))

    # A word shorter than the run is one term to both, whatever the length asked for.
    assert sorted(set(character_terms(text))) == sorted({one for one in expected if len(one) >= 3})


@settings(max_examples=200)
@given(text=st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_the_served_model_is_the_sealed_pipeline_on_any_text(
    training: EvaluatedModel, text: str
) -> None:
    pipeline = from_joblib(training.trained.files[PIPELINE])
    served = linear(training.model)

    gap = np.abs(pipeline.predict_proba([text]) - softmax(served.decide([text])[0]))

    assert gap.max() <= AGREEMENT


@pytest.mark.parametrize(
    "text",
    [
        "profit rises",
        "profit rises " * 300 + "and falls",
        "rises" * 7,  # the longest words whose n-grams are kept
        "rises" * 8 + "x",  # longer
        "profit" * 1_500,
        "... !! ?",
    ],
)
def test_repeated_terms_and_long_words_count_as_in_the_pipeline(
    training: EvaluatedModel, text: str
) -> None:
    pipeline = from_joblib(training.trained.files[PIPELINE])
    served = linear(training.model)

    first, again = (served.decide([text])[0] for _ in range(2))

    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(softmax(first), pipeline.predict_proba([text]), atol=1e-12)


def test_the_sealed_joblib_is_the_served_model(sealed: Path, corpus: Corpus) -> None:
    opened = open_sealed(sealed)
    pipeline = from_joblib((sealed / PIPELINE).read_bytes())
    assert isinstance(opened.predictor, TfidfModel)

    read, _ = opened.predictor.read(corpus.texts)
    decisions, _ = opened.predictor.decide(corpus.texts)
    gap = np.abs(softmax(decisions) - pipeline.predict_proba(read))

    assert gap.max() <= AGREEMENT


def test_an_export_that_disagrees_is_refused(corpus: Corpus) -> None:
    pipeline = fit_pipeline(corpus.texts, corpus.targets)
    pipeline.named_steps["classifier"].intercept_ = np.array([0.0, np.nan, 0.0])

    with pytest.raises(AgreementError, match="nan away from its pipeline"):
        export(pipeline, corpus.texts[:10])


@settings(max_examples=200)
@given(text=st.text(st.sampled_from("profit rises -5% $a, é\n\u00df"), max_size=80))
def test_contributions_add_up_to_the_decision(training: EvaluatedModel, text: str) -> None:
    served = linear(training.model)
    normalised = " ".join(text.split())

    rows = served.contributions(normalised)

    assert len(rows) == len(normalised.split())
    total = rows.sum(axis=0) + served.intercept
    np.testing.assert_allclose(total, served.decide([normalised])[0][0], atol=1e-12)


def test_contributions_add_up_on_real_texts(model: SentimentModel, real_data: Path) -> None:
    assert isinstance(model, TfidfModel)
    read, _ = model.read(load_texts(real_data / "tfns_sent_valid.csv")[:500])
    for text in read:
        total = model.linear.contributions(text).sum(axis=0) + model.linear.intercept
        np.testing.assert_allclose(total, model.linear.decide([text])[0][0], atol=1e-11)


def test_files_hold_text_and_numbers_and_give_the_same_model(model: SentimentModel) -> None:
    served = linear(model)
    texts = ["profit rises", "debt rises", "nothing known: zxqv"]

    again = LinearModel.from_files(served.to_files())

    np.testing.assert_array_equal(again.decide(texts)[0], served.decide(texts)[0])


def test_the_same_texts_give_the_same_model(corpus: Corpus) -> None:
    first, second = (
        export(fit_pipeline(corpus.texts, corpus.targets), corpus.texts[:5]) for _ in range(2)
    )

    np.testing.assert_array_equal(first.decide(corpus.texts)[0], second.decide(corpus.texts)[0])


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("profit rises", 1.0),
        ("zxqvk profit", 0.5),
        ("PROFIT, 5% zxqvk wprtl!", 1 / 3),
        ("\u5229\u76ca\u304c\u5897\u52a0", 0.0),
        ("\u041f\u0440\u0438\u0431\u044b\u043b\u044c 5%", 0.0),
        ("\U0001f680", 0.0),
        ("2,020 5% ?", 0.0),
    ],
)
def test_the_share_of_known_words_counts_words_and_neither_numbers_nor_marks(
    text: str, share: float, model: SentimentModel
) -> None:
    served = linear(model)

    assert served.known_share(text) == served.decide([text])[1][0] == pytest.approx(share)


@given(st.text(max_size=60))
def test_the_share_of_known_words_is_a_share(training: EvaluatedModel, text: str) -> None:
    assert 0 <= linear(training.model).known_share(text) <= 1
