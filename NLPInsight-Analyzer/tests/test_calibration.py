import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from nlpinsight.backends.calibration import (
    CALIBRATION,
    Calibrator,
    HeldOut,
    base_rates_of,
    fit,
    softmax,
)
from nlpinsight.text.hidden_words import LETTER, hide_words, hide_words_of_each
from nlpinsight.text.normalisation import normalise
from numpy.typing import NDArray

BASE = (0.2, 0.5, 0.3)
DECISIONS = arrays.arrays(np.float64, (5, 3), elements=st.floats(-50, 50))
SHARES = arrays.arrays(np.float64, 5, elements=st.floats(0, 1))


def calibrator(temperature: float = 1.0, reach: float = 2.0) -> Calibrator:
    return Calibrator(temperature=temperature, reach=reach, base_rates=BASE, texts=1)


@given(DECISIONS, SHARES, st.floats(0.1, 10), st.floats(0.2, 20))
def test_scores_are_probabilities(
    decisions: NDArray[np.float64], known: NDArray[np.float64], temperature: float, reach: float
) -> None:
    scores = calibrator(temperature, reach).scores(decisions, known)

    assert (scores >= 0).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1)


@given(DECISIONS, SHARES, st.floats(0.1, 10), st.floats(0.2, 20))
def test_the_scores_of_one_text_are_those_of_many(
    decisions: NDArray[np.float64], known: NDArray[np.float64], temperature: float, reach: float
) -> None:
    fitted = calibrator(temperature, reach)

    one_by_one = [
        fitted.scores_of_one(decision, share)
        for decision, share in zip(decisions.tolist(), known.tolist(), strict=True)
    ]

    np.testing.assert_allclose(one_by_one, fitted.scores(decisions, known), rtol=1e-12, atol=0)


@given(DECISIONS, st.floats(0.1, 10), st.floats(0.2, 20))
def test_with_no_known_word_the_answer_is_the_base_rates(
    decisions: NDArray[np.float64], temperature: float, reach: float
) -> None:
    scores = calibrator(temperature, reach).scores(decisions, np.zeros(5))

    assert scores.tolist() == [list(BASE)] * 5


@given(DECISIONS, st.floats(0.1, 10), st.floats(0.2, 20))
def test_with_every_word_known_the_label_is_that_of_the_decisions(
    decisions: NDArray[np.float64], temperature: float, reach: float
) -> None:
    scores = calibrator(temperature, reach).scores(decisions, np.ones(5))

    np.testing.assert_allclose(scores, softmax(decisions / temperature))


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_more_words_are_known_the_further_the_answer_is_from_the_base_rates(
    one: float, other: float
) -> None:
    fewer, more = sorted([one, other])
    scores = calibrator().scores(np.array([[0.0, 0.0, 3.0]] * 2), np.array([fewer, more]))

    assert np.abs(scores[0] - BASE).sum() <= np.abs(scores[1] - BASE).sum() + 1e-12


def held_out(temperature: float, reach: float, texts: int = 20_000) -> HeldOut:
    """Texts whose labels are drawn with the probabilities that a known calibrator gives."""
    random = np.random.default_rng(4)
    decisions, known = random.normal(0, 3, (texts, 3)), random.random(texts)
    truth = calibrator(temperature, reach).scores(decisions, known).cumsum(axis=1)
    targets = (random.random((texts, 1)) > truth[:, :2]).sum(axis=1)
    return HeldOut(decisions, known, targets.astype(np.int64), np.zeros(texts, dtype=np.bool_))


@pytest.mark.parametrize(("temperature", "reach"), [(1.0, 1.0), (2.5, 4.0), (0.6, 0.5)])
def test_the_calibrator_that_the_labels_were_drawn_by_is_found(
    temperature: float, reach: float
) -> None:
    found = fit(held_out(temperature, reach), BASE)

    assert found.temperature == pytest.approx(temperature, rel=0.08)
    assert found.reach == pytest.approx(reach, rel=0.15)
    assert (found.base_rates, found.texts) == (BASE, 20_000)


def test_decisions_that_are_never_wrong_leave_the_numbers_within_their_bounds() -> None:
    targets = np.array([0, 1, 2] * 20)
    found = fit(HeldOut(np.eye(3)[targets] * 40, np.ones(60), targets, targets > 9), BASE)

    assert np.isfinite(found.scores(np.eye(3), np.ones(3))).all()


def test_a_model_scores_texts_as_they_are_and_with_words_hidden() -> None:
    asked: list[str] = []

    def score(texts: object) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        assert isinstance(texts, list | tuple)
        asked.extend(texts)
        return np.full((len(texts), 3), float(len(asked))), np.full(len(texts), 0.5)

    texts = tuple(f"profit of number{one} rises" for one in range(40))
    found = HeldOut.of(score, texts, np.arange(40) % 3, seed=1)

    assert tuple(asked[:40]) == texts
    assert asked[40:] == hide_words_of_each(texts, seed=1) != list(texts)
    assert (len(found), found.targets.tolist()) == (80, [*np.arange(40) % 3] * 2)
    assert found.decisions[:, 0].tolist() == [40.0] * 40 + [80.0] * 40
    assert found.hidden.tolist() == [False] * 40 + [True] * 40
    assert len(HeldOut.joined([found, found])) == 160


def test_base_rates_are_the_shares_of_the_labels() -> None:
    assert base_rates_of(np.array([0, 1, 1, 1])) == (0.25, 0.75, 0.0)


def test_a_calibrator_is_read_back_from_the_files_of_a_model() -> None:
    files = calibrator().add_to({"other": b"x"})

    assert Calibrator.read_from(files) == calibrator()
    assert files["other"] == b"x"
    assert Calibrator.read_from({"other": b"x"}) is None


@pytest.mark.parametrize("changed", [{"temperature": 0}, {"reach": -1}, {"extra": 1}])
def test_a_file_that_holds_no_calibrator_is_refused(changed: dict[str, object]) -> None:
    contents = json.loads(calibrator().model_dump_json()) | changed

    with pytest.raises(ValueError, match="validation error"):
        Calibrator.read_from({CALIBRATION: json.dumps(contents).encode()})


@given(st.text(), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_hiding_words_keeps_their_number_and_what_is_no_letter(
    text: str, share: float, seed: int
) -> None:
    hidden = hide_words(text, share, np.random.default_rng(seed))

    pairs = list(zip(text.split(), hidden.split(), strict=True))
    assert all(
        LETTER.match(one) if one != other else True
        for before, after in pairs
        for one, other in zip(before, after, strict=True)
    )


def test_all_words_or_none_can_be_hidden() -> None:
    random = np.random.default_rng(0)

    assert hide_words("Profit up 5%", 0, random) == "Profit up 5%"
    hidden = hide_words("Profit up 5%", 1, random)
    assert hidden.endswith(" 5%")
    assert not set("Profitup") & set(hidden)
    assert normalise(hidden) == hidden
