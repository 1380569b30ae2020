"""What a model was trained on, and the marks on answers outside of it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from bankchurn.features import customer_values, table_values
from bankchurn.model.predictor import ChurnPredictor, load
from bankchurn.model.training_profile import (
    NumberProfile,
    ProfileError,
    TrainingProfile,
    WarningFinder,
)
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, Customer
from bankchurn.training.train import TrainedModel, TrainingOptions, train
from hypothesis import given
from hypothesis import strategies as st
from servicekit.answer_warnings import AnswerWarning, as_cell
from servicekit.files import DataError


@pytest.fixture
def table(sample: pd.DataFrame) -> pd.DataFrame:
    """No German, nobody of unknown Tenure, ages 25 to 60, balances up to 150,000.5."""
    kept = sample[
        (sample["Geography"] != "Germany")
        & sample["Tenure"].notna()
        & sample["Age"].between(25, 60)
        & (sample["Balance"] < 150_000)
    ]
    ends = kept.iloc[:2].copy()
    ends[["Age", "Balance", "CreditScore"]] = [[25, 0.0, 400], [60, 150_000.5, 800]]
    between = kept[kept["CreditScore"].between(400, 800)]
    return pd.concat([between, ends], ignore_index=True)


@pytest.fixture
def finder(table: pd.DataFrame) -> WarningFinder:
    return WarningFinder(TrainingProfile.of(table))


def find(
    finder: WarningFinder, customer: dict[str, object], **changes: object
) -> list[AnswerWarning]:
    record = Customer.model_validate(customer | changes)
    return list(finder.find(customer_values([record])).get(0, []))


def test_a_profile_describes_the_training_rows(table: pd.DataFrame) -> None:
    profile = TrainingProfile.of(table)
    counts = table["Geography"].value_counts()
    assert profile.rows == len(table)
    assert profile.features == FEATURES
    assert profile.levels["Geography"] == {
        "France": counts["France"],
        "Spain": counts["Spain"],
        "Germany": 0,
    }
    assert profile.numbers["Age"].model_dump() == {"low": 25, "high": 60, "unknown": 0}
    assert profile.numbers["Balance"].high == 150_000.5
    assert set(profile.numbers) == set(NUMBERS)
    assert TrainingProfile.model_validate_json(profile.model_dump_json()) == profile


def test_unknown_values_are_counted(sample: pd.DataFrame) -> None:
    profile = TrainingProfile.of(sample)
    assert profile.numbers["Tenure"].unknown == sample["Tenure"].isna().sum() > 0
    assert profile.notices() == []


def test_training_says_which_declared_levels_and_unknown_values_it_lacks(
    table: pd.DataFrame,
) -> None:
    lacks_level, lacks_unknown = TrainingProfile.of(table).notices()
    assert lacks_level == (
        "No training row has Geography Germany: answers for such customers are guesses, and are "
        "marked level_not_in_training."
    )
    assert lacks_unknown == (
        "Every training row has a value for Tenure: answers for customers without one are marked "
        "unknown_not_in_training."
    )


def test_a_level_that_training_never_had_is_marked(
    finder: WarningFinder, customer: dict[str, object], table: pd.DataFrame
) -> None:
    assert find(finder, customer, Geography="Spain") == []
    [warning] = find(finder, customer, Geography="Germany")
    assert (warning.code, warning.field) == ("level_not_in_training", "Geography")
    assert warning.message == f"None of the {len(table):,} training rows has Geography Germany."


def test_an_unknown_value_is_marked_where_training_never_had_one(
    finder: WarningFinder, customer: dict[str, object], sample: pd.DataFrame
) -> None:
    [warning] = find(finder, customer, Tenure=None)
    assert (warning.code, warning.field) == ("unknown_not_in_training", "Tenure")
    assert find(WarningFinder(TrainingProfile.of(sample)), customer, Tenure=None) == []


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("Age", 25, 24),
        ("Age", 60, 61),
        ("Balance", 150_000.5, 150_000.6),
        ("CreditScore", 400, 399),
        ("CreditScore", 800, 850),
    ],
)
def test_a_number_beyond_the_trained_range_is_marked(
    finder: WarningFinder,
    customer: dict[str, object],
    field: str,
    inside: float,
    outside: float,
) -> None:
    assert find(finder, customer, **{field: inside}) == []
    [warning] = find(finder, customer, **{field: outside})
    assert (warning.code, warning.field) == ("outside_training_range", field)
    assert warning.message.startswith(f"{field} {outside:,} is outside the training range")


def test_a_message_says_the_value_and_the_range(
    finder: WarningFinder, customer: dict[str, object]
) -> None:
    [warning] = find(finder, customer, Balance=200_000.25)
    assert warning.message == ("Balance 200,000.25 is outside the training range, 0 to 150,000.5.")


def test_several_marks_come_in_the_order_of_the_features(
    finder: WarningFinder, customer: dict[str, object]
) -> None:
    warnings = find(finder, customer, Age=90, Geography="Germany", Tenure=None, CreditScore=310)
    assert [warning.field for warning in warnings] == [
        name for name in FEATURES if name in {"Age", "Geography", "Tenure", "CreditScore"}
    ]
    assert as_cell(warnings[:1]) == "outside_training_range:CreditScore"


def test_no_training_row_is_marked_by_its_own_profile(sample: pd.DataFrame) -> None:
    for seed in range(20):
        some = sample.sample(30, random_state=seed)
        assert WarningFinder(TrainingProfile.of(some)).find(table_values(some)) == {}


customers = st.builds(
    Customer,
    **{
        name: (
            st.integers(int(bounds.low), int(bounds.high))
            if bounds.whole
            else st.floats(bounds.low, 3e5)
        )
        | (st.none() if bounds.nullable else st.nothing())
        for name, bounds in NUMBERS.items()
    },
    **{name: st.sampled_from(values) for name, values in CATEGORIES.items()},
)


@given(customer=customers)
def test_a_customer_is_marked_exactly_where_it_is_outside(customer: Customer) -> None:
    profile = TrainingProfile(
        rows=9,
        features=FEATURES,
        numbers={
            name: NumberProfile(low=bounds.low, high=bounds.example, unknown=0)
            for name, bounds in NUMBERS.items()
        },
        levels={
            name: {level: int(place == 0) for place, level in enumerate(levels)}
            for name, levels in CATEGORIES.items()
        },
    )
    expected = [
        name
        for name in FEATURES
        if (value := getattr(customer, name)) is None
        or (name in CATEGORIES and value != CATEGORIES[name][0])
        # float32 is what the model sees.
        or (name in NUMBERS and np.float32(value) > np.float32(NUMBERS[name].example))
    ]
    found = WarningFinder(profile).find(customer_values([customer]))
    assert [warning.field for warning in found.get(0, [])] == expected


@pytest.fixture(scope="module")
def without_germans(sample: pd.DataFrame) -> TrainedModel:
    table = sample[sample["Geography"] != "Germany"].reset_index(drop=True)
    return train(table, source="sample", options=TrainingOptions(folds=2, background_rows=20))


def test_a_model_that_never_saw_germans_says_so_by_every_path(
    without_germans: TrainedModel, sample: pd.DataFrame, customer: dict[str, object]
) -> None:
    predictor = without_germans.predictor
    assert without_germans.report.notices[0].startswith("No training row has Geography Germany:")
    german = Customer.model_validate(customer | {"Geography": "Germany"})
    [answer] = predictor.answer([german], model_version="1")
    [explained] = predictor.answer([german], model_version="1", explain=True)
    assert [warning.code for warning in answer.warnings] == ["level_not_in_training"]
    assert explained.warnings == answer.warnings
    _, warnings = predictor.score_table(sample)
    marked = {
        row
        for row, found in warnings.items()
        if any(warning.code == "level_not_in_training" for warning in found)
    }
    assert marked == set(np.flatnonzero(sample["Geography"] == "Germany").tolist())


def test_a_model_without_a_profile_opens_and_marks_nothing(
    training: TrainedModel, customer: dict[str, Any]
) -> None:
    files = {name: raw for name, raw in training.files.items() if "profile" not in name}
    assert training.files.keys() - files == {"training_profile.json", "reference_profile.json"}
    older = load(files)
    record = customer | {"Age": 100, "Balance": 1e9}
    [answer] = older.answer([Customer.model_validate(record)], model_version="1")
    assert older.profile is None
    assert answer.warnings == []
    # What the golden set of such a model holds, and nothing that it does not.
    assert set(older.replay([customer])) == {
        "pipeline_probability",
        "request_probability",
        "batch_probability",
        "log_odds_contributions",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"features": FEATURES[::-1]},
        {"features": FEATURES[1:]},
        {"levels": {"Geography": {"Germany": 1, "France": 1, "Spain": 1}, "Gender": {"Female": 1}}},
    ],
)
def test_a_model_of_other_inputs_is_refused_before_it_is_unpickled(
    training: TrainedModel, change: dict[str, object]
) -> None:
    profile = training.report.training_profile
    assert profile is not None
    other = profile.model_copy(update=change).model_dump_json().encode()
    files = training.files | {"training_profile.json": other, "pipeline.joblib": b"not a pickle"}
    with pytest.raises(ProfileError, match=r"was trained on the inputs .*; bankchurn\.schema def"):
        load(files)


def test_answers_do_not_depend_on_the_marks(
    predictor: ChurnPredictor, training: TrainedModel, sample: pd.DataFrame
) -> None:
    files = {name: raw for name, raw in training.files.items() if "profile" not in name}
    np.testing.assert_array_equal(
        load(files).score_table(sample)[0], predictor.score_table(sample)[0]
    )


def test_a_column_that_may_be_unknown_must_be_known_often_enough_to_train(
    sample: pd.DataFrame,
) -> None:
    table = sample.assign(Tenure=np.where(np.arange(len(sample)) < 49, 3.0, np.nan))
    with pytest.raises(DataError, match=r"Tenure is known for 49 customers; .* at least 50"):
        train(table, source="sample", options=TrainingOptions(folds=2))
