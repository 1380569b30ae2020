import numpy as np
import pandas as pd
import pytest
import sklearn
from bankchurn.features import CustomerEncoder, customers_to_frame
from bankchurn.schema import FEATURES, Customer


def test_a_customer_becomes_one_float32_per_feature(customer: dict[str, object]) -> None:
    encoder = CustomerEncoder().fit(pd.DataFrame({"Tenure": [1.0, 3.0, np.nan]}))
    row = encoder.transform(pd.DataFrame([customer]))
    assert row.dtype == np.float32
    found = dict(zip(FEATURES, row[0].tolist(), strict=True))
    expected = {
        "CreditScore": 619,
        "Geography": 0,
        "Gender": 0,
        "Age": 42,
        "Tenure": 2,
        "Balance": np.float32(83807.86),
        "NumOfProducts": 1,
        "HasCrCard": 1,
        "IsActiveMember": 1,
        "EstimatedSalary": np.float32(101348.88),
    }
    assert {name: found[name] for name in expected} == expected


def test_categories_are_coded_by_their_place_in_the_schema(customer: dict[str, object]) -> None:
    places = [FEATURES.index("Geography"), FEATURES.index("Gender")]
    encoder = CustomerEncoder().fit(pd.DataFrame({"Tenure": [1.0]}))
    table = pd.DataFrame(
        [
            customer | {"Geography": c, "Gender": g}
            for c, g in [("France", "Female"), ("Spain", "Male"), ("Germany", "Male")]
        ]
    )
    assert encoder.transform(table)[:, places].tolist() == [[0, 0], [1, 1], [2, 1]]


def test_an_encoder_of_an_older_model_keeps_its_median(customer: dict[str, object]) -> None:
    encoder = CustomerEncoder()
    # What such a model's pickle holds.
    encoder.__setstate__({"tenure_median_": 7.0, "_sklearn_version": sklearn.__version__})
    unknown = Customer.model_validate(customer | {"Tenure": None})
    assert encoder.encode([unknown])[0, FEATURES.index("Tenure")] == 7.0


# numpy 1.26 and 2 disagree on -1 with an unsigned integer (NEP 50); the features must
# not depend on the dtype that a table happens to have.
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "Int64", "float32", "float64"])
def test_the_features_do_not_depend_on_the_dtype_of_the_table(
    sample: pd.DataFrame, dtype: str
) -> None:
    table = sample.head(50).fillna({"Tenure": 4})
    encoder = CustomerEncoder().fit(table)
    narrow = ["Tenure", "NumOfProducts", "HasCrCard", "IsActiveMember", "Age"]
    np.testing.assert_array_equal(
        encoder.transform(table.astype(dict.fromkeys(narrow, dtype))), encoder.transform(table)
    )


@pytest.mark.parametrize("blank", [np.nan, None, pd.NA])
def test_an_unknown_tenure_becomes_the_median_of_training(
    customer: dict[str, object], blank: object
) -> None:
    encoder = CustomerEncoder().fit(pd.DataFrame({"Tenure": [1.0, 7.0, 8.0, np.nan]}))
    table = pd.DataFrame([customer | {"Tenure": blank}, customer])
    assert encoder.transform(table)[:, FEATURES.index("Tenure")].tolist() == [7.0, 2.0]


def test_training_without_any_tenure_is_refused() -> None:
    with pytest.raises(ValueError, match="The training data has no known Tenure"):
        CustomerEncoder().fit(pd.DataFrame({"Tenure": [np.nan, np.nan]}))


def test_an_unknown_category_is_refused_and_not_guessed(customer: dict[str, object]) -> None:
    encoder = CustomerEncoder().fit(pd.DataFrame({"Tenure": [1.0]}))
    with pytest.raises(ValueError, match="Geography has the undeclared value 'Italy'"):
        encoder.transform(pd.DataFrame([customer | {"Geography": "Italy"}]))


def test_customers_and_their_table_give_the_same_features(customer: dict[str, object]) -> None:
    encoder = CustomerEncoder().fit(pd.DataFrame({"Tenure": [3.0]}))
    customers = [
        Customer.model_validate(customer | {"Tenure": tenure, "Geography": country})
        for tenure in (None, 0, 10)
        for country in ("France", "Spain", "Germany")
    ]
    np.testing.assert_array_equal(
        encoder.encode(customers), encoder.transform(customers_to_frame(customers))
    )
