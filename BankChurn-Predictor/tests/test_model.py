from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from bankchurn.model.explanation import Background
from bankchurn.model.fast_ensemble import TreeEnsemble
from bankchurn.model.predictor import ChurnPredictor, Decision, EnsembleError, load, pack
from bankchurn.responses import risk_level
from bankchurn.schema import FEATURES, Customer


@pytest.fixture
def customers(customer: dict[str, object]) -> list[Customer]:
    return [
        Customer.model_validate(customer),
        Customer.model_validate(customer | {"Tenure": None, "Geography": "Germany", "Age": 55}),
    ]


def test_an_answer_states_its_model_and_threshold(
    predictor: ChurnPredictor, customers: list[Customer]
) -> None:
    [first, second] = predictor.answer(customers, model_version="1.2.3")
    for answer, probability in zip(
        (first, second), predictor.probabilities(predictor.encode(customers)), strict=True
    ):
        assert answer.churn_probability == probability
        assert answer.churn_prediction == int(probability >= predictor.decision.threshold)
        assert answer.risk_level == risk_level(probability)
        assert answer.confidence == pytest.approx(abs(probability - 0.5) * 2)
        assert answer.feature_contributions == {}
        assert answer.explanation is None
        assert answer.model_version == "1.2.3"
        assert answer.prediction_timestamp.tzinfo is UTC
        assert datetime.now(UTC) - answer.prediction_timestamp < timedelta(minutes=1)


def test_an_explained_answer_adds_up(predictor: ChurnPredictor, customers: list[Customer]) -> None:
    for answer in predictor.answer(customers, model_version="1", explain=True):
        why = answer.explanation
        assert why is not None
        assert why.background_version == predictor.background.version
        assert answer.feature_contributions == why.probability_contributions
        assert list(answer.feature_contributions) == list(FEATURES)
        assert why.base_probability + sum(answer.feature_contributions.values()) == pytest.approx(
            answer.churn_probability, abs=1e-6
        )


def test_a_packed_model_answers_as_before(
    predictor: ChurnPredictor, sample: pd.DataFrame, customers: list[Customer]
) -> None:
    background = Background(predictor.encode(customers))
    assert predictor.profile is not None
    decision = Decision(0.25, "by hand")
    again = load(pack(predictor.pipeline, background, decision, predictor.profile))
    np.testing.assert_array_equal(
        again.pipeline.predict_proba(sample), predictor.pipeline.predict_proba(sample)
    )
    assert again.decision == decision
    assert again.profile == predictor.profile
    assert again.background.version == background.version


def test_a_model_whose_ensemble_disagrees_is_not_loaded(
    predictor: ChurnPredictor, customers: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = TreeEnsemble.log_odds
    monkeypatch.setattr(TreeEnsemble, "log_odds", lambda self, rows: honest(self, rows) + 0.001)
    background = Background(predictor.encode(customers))
    with pytest.raises(EnsembleError, match="away from the sealed pipeline"):
        ChurnPredictor(predictor.pipeline, background, predictor.decision, predictor.profile)


def test_a_replay_answers_in_the_order_of_its_inputs(
    predictor: ChurnPredictor, customers: list[Customer]
) -> None:
    records = [one.model_dump(mode="json") for one in customers]
    forward, backward = predictor.replay(records), predictor.replay(records[::-1])
    for name, values in forward.items():
        assert list(values) == list(backward[name])[::-1]
