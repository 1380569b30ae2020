"""Two models' answers put together."""

import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from nlpinsight.backends.calibration import softmax
from nlpinsight.backends.linear import Block, LinearModel
from nlpinsight.backends.pooling import POOLING, Pool, pooled

Floats = npt.NDArray[np.float64]

decisions = arrays(np.float64, (4, 3), elements=st.floats(-30, 30))


def _linear() -> LinearModel:
    words = Block(("down", "up"), np.array([1.0, 1.0]), np.array([[2.0, 0.0, -2.0], [-1.0, 0, 3]]))
    characters = Block((" up",), np.array([1.0]), np.array([[0.0, 0.5, 0.0]]))
    return LinearModel(words, characters, np.array([0.1, 0.2, 0.3]))


@pytest.fixture
def linear() -> LinearModel:
    return _linear()


@given(decisions, decisions, st.floats(0, 1))
def test_the_pool_is_the_geometric_mean_of_probabilities(
    one: Floats, other: Floats, weight: float
) -> None:
    mean = softmax(one) ** (1 - weight) * softmax(other) ** weight

    found = softmax(pooled(one, other, weight))

    np.testing.assert_allclose(found, mean / mean.sum(axis=1, keepdims=True), atol=1e-9)


@given(decisions, decisions, st.floats(-50, 50))
def test_only_differences_between_labels_count(one: Floats, other: Floats, shift: float) -> None:
    np.testing.assert_allclose(
        pooled(one + shift, other, 0.4), pooled(one, other - shift, 0.4), atol=1e-9
    )


@given(decisions, decisions)
def test_a_weight_of_nothing_leaves_the_other_answer(one: Floats, other: Floats) -> None:
    np.testing.assert_allclose(softmax(pooled(one, other, 0.0)), softmax(one), atol=1e-12)
    np.testing.assert_allclose(softmax(pooled(one, other, 1.0)), softmax(other), atol=1e-12)


@given(decisions, st.floats(0, 1))
def test_models_that_agree_answer_as_each_of_them(one: Floats, weight: float) -> None:
    np.testing.assert_allclose(softmax(pooled(one, one, weight)), softmax(one), atol=1e-12)


def test_a_pool_is_read_from_the_files_that_it_was_put_into(linear: LinearModel) -> None:
    files = Pool(linear, 0.35).add_to({"model.onnx": b"network"})
    alone = [1.0, 0.0, 0.0]

    opened = Pool.read_from(files)

    assert files["model.onnx"] == b"network"
    assert opened is not None
    assert opened.weight == 0.35
    said = opened.decide("up up down", alone)
    expected = pooled(np.array([alone]), linear.decide(["up up down"])[0], 0.35)[0]
    np.testing.assert_allclose(said, expected, rtol=1e-14)
    assert said != opened.decide("down", alone)


@given(decisions, st.floats(0, 1))
def test_one_text_is_pooled_as_many_are(one: Floats, weight: float) -> None:
    pool = Pool(_linear(), weight)
    expected = pooled(one[:1], pool.linear.decide(["up up down"])[0], weight)[0]
    said = pool.decide("up up down", one[0].tolist())
    np.testing.assert_allclose(said, expected, rtol=1e-12, atol=1e-12)


def test_a_model_without_a_pool_has_none() -> None:
    assert Pool.read_from({"model.onnx": b"network"}) is None


@pytest.mark.parametrize("weight", [-0.1, 1.1, "0.5", None])
def test_a_weight_out_of_bounds_is_refused(weight: object, linear: LinearModel) -> None:
    files = Pool(linear, 0.5).add_to({})
    files[POOLING] = json.dumps({"linear_weight": weight}).encode()

    with pytest.raises(ValueError, match="must hold a weight from 0 to 1"):
        Pool.read_from(files)
