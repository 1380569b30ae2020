from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bankchurn.evaluation.metrics import evaluate, measure
from bankchurn.evaluation.threshold import choose_threshold
from bankchurn.schema import CATEGORIES, NUMBERS
from hypothesis import given, settings
from hypothesis import strategies as st

TARGET = np.array([0, 0, 1, 1], dtype=np.int64)
PROBABILITY = np.array([0.1, 0.6, 0.4, 0.9])


def test_metrics_are_those_that_pencil_and_paper_give() -> None:
    metrics = measure(TARGET, PROBABILITY, 0.5)
    assert metrics.model_dump() == {
        "customers": 4,
        "base_rate": 0.5,
        "auc": 0.75,
        "log_loss": pytest.approx(-np.log([0.9, 0.4, 0.4, 0.9]).mean()),
        "brier": pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4),
        "mean_probability": pytest.approx(0.5),
        "selection_rate": 0.5,
        "true_positive_rate": 0.5,
        "false_positive_rate": 0.5,
        "precision": 0.5,
        "f1": 0.5,
    }


def test_a_probability_at_the_threshold_is_selected() -> None:
    assert measure(TARGET, PROBABILITY, 0.6).selection_rate == 0.5


def test_metrics_with_an_empty_denominator_are_null() -> None:
    metrics = measure(np.zeros(3, dtype=np.int64), np.array([0.1, 0.2, 0.3]), 0.5)
    assert (metrics.auc, metrics.true_positive_rate, metrics.precision) == (None, None, None)
    assert metrics.f1 == 0
    assert metrics.log_loss == pytest.approx(-np.log([0.9, 0.8, 0.7]).mean())


def test_the_threshold_has_the_greatest_f1_and_lies_half_way() -> None:
    target = np.array([0, 0, 0, 1, 0, 1, 1], dtype=np.int64)
    probability = np.array([0.05, 0.1, 0.2, 0.35, 0.45, 0.6, 0.8])
    assert choose_threshold(target, probability).threshold == pytest.approx(0.275)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.55, 0.8, 0.9])),
        min_size=2,
        max_size=40,
    ).filter(lambda rows: any(label for label, _ in rows))
)
def test_no_other_threshold_has_a_greater_f1(rows: list[tuple[int, float]]) -> None:
    target = np.array([label for label, _ in rows], dtype=np.int64)
    probability = np.array([value for _, value in rows])
    chosen = measure(target, probability, choose_threshold(target, probability).threshold).f1
    best = max(measure(target, probability, value).f1 for value in set(probability.tolist()))
    assert chosen == pytest.approx(best)


def test_groups_partition_the_customers_by_gender_country_and_age(sample: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    target = sample["Exited"].to_numpy(dtype=np.int64)
    evaluation = evaluate(sample, target, rng.random(len(sample)), 0.5)
    groups = {(group.attribute, group.value): group.metrics for group in evaluation.groups}
    assert {attribute for attribute, _ in groups} == {
        *CATEGORIES,
        *(name for name, bounds in NUMBERS.items() if bounds.groups),
    }
    assert [one for one in groups if one[0] in {"Gender", "Geography", "Age"}] == [
        ("Gender", "Female"),
        ("Gender", "Male"),
        ("Geography", "France"),
        ("Geography", "Germany"),
        ("Geography", "Spain"),
        *[("Age", band) for band in ("18-29", "30-39", "40-49", "50-59", "60-100")],
    ]
    for attribute in ("Gender", "Geography", "Age"):
        members = [m.customers for (one, _), m in groups.items() if one == attribute]
        assert sum(members) == len(sample)
    women = sample[sample["Gender"] == "Female"]
    assert groups["Gender", "Female"].customers == len(women)
    assert groups["Gender", "Female"].base_rate == pytest.approx(women["Exited"].mean())


def test_a_range_of_fractions_ends_before_the_next_begins(
    sample: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = replace(NUMBERS["Balance"], high=200_000, groups=(0.5, 100_000))
    monkeypatch.setitem(NUMBERS, "Balance", bounds)
    table = sample.head(5).assign(Balance=np.array([0.0, 0.5, 99_999.99, 100_000, 200_000]))
    target = np.array([0, 1, 0, 1, 0], dtype=np.int64)
    groups = evaluate(table, target, np.full(5, 0.5), 0.5).groups
    assert {one.value: one.metrics.customers for one in groups if one.attribute == "Balance"} == {
        "0-0.5": 1,
        "0.5-100000": 2,
        "100000-200000": 2,
    }


def test_a_perfect_calibration_lies_on_the_diagonal(sample: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    probability = rng.random(len(sample))
    target = (rng.random(len(sample)) < probability).astype(np.int64)
    curve = evaluate(sample, target, probability, 0.5).calibration
    assert sum(curve.customers) == len(sample)
    np.testing.assert_allclose(curve.predicted, curve.observed, atol=0.12)


def test_the_roc_curve_runs_from_corner_to_corner(sample: pd.DataFrame) -> None:
    rng = np.random.default_rng(2)
    target = sample["Exited"].to_numpy(dtype=np.int64)
    roc = evaluate(sample, target, rng.random(len(sample)), 0.5).roc
    assert (roc.false_positive_rate[0], roc.true_positive_rate[0]) == (0, 0)
    assert (roc.false_positive_rate[-1], roc.true_positive_rate[-1]) == (1, 1)
    assert roc.false_positive_rate == sorted(roc.false_positive_rate)
    assert len(roc.false_positive_rate) <= 200
