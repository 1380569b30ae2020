from pathlib import Path

import pandas as pd
import pytest
from bankchurn.data.table import fingerprint, validate_rows
from bankchurn.sample import generate_sample


@pytest.fixture(scope="module")
def large() -> pd.DataFrame:
    return generate_sample(20_000, seed=1)


def test_the_sample_has_the_columns_of_the_real_table(real_data: Path, large: pd.DataFrame) -> None:
    real = pd.read_csv(real_data / "Churn_missing_tenure.csv", nrows=100)
    assert large.columns.tolist() == real.columns.tolist()
    assert large.dtypes.tolist() == real.dtypes.tolist()


def test_every_row_is_valid(large: pd.DataFrame) -> None:
    table, errors = validate_rows(large, need_target=True)
    assert errors == []
    assert large["CustomerId"].is_unique
    assert table["Tenure"].isna().mean() == pytest.approx(0.09, abs=0.01)


def test_the_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    digests = [fingerprint(generate_sample(300, seed=seed)) for seed in (9, 9, 10)]
    assert digests[0] == digests[1] != digests[2]


def test_about_one_in_five_leaves_for_the_reasons_that_are_documented(large: pd.DataFrame) -> None:
    rate = {
        column: large.groupby(column)["Exited"].mean()
        for column in ("Geography", "Gender", "IsActiveMember", "NumOfProducts")
    }
    ages = large.groupby(pd.cut(large["Age"], [17, 30, 40, 50, 60, 100]), observed=True)
    by_age = ages["Exited"].mean().tolist()
    assert large["Exited"].mean() == pytest.approx(0.20, abs=0.02)
    assert rate["Geography"]["Germany"] > 1.4 * rate["Geography"]["France"]
    assert rate["Gender"]["Female"] > 1.2 * rate["Gender"]["Male"]
    assert rate["IsActiveMember"][0] > 1.4 * rate["IsActiveMember"][1]
    assert rate["NumOfProducts"][2] < rate["NumOfProducts"][1] < rate["NumOfProducts"][3]
    assert by_age[0] < by_age[1] < by_age[2] < by_age[3] > by_age[4]


def test_marginals_resemble_the_published_table(large: pd.DataFrame) -> None:
    germany = large["Geography"] == "Germany"
    assert (large.loc[germany, "Balance"] > 0).all()
    assert (large.loc[~germany, "Balance"] == 0).mean() == pytest.approx(0.48, abs=0.03)
    assert large["Age"].mean() == pytest.approx(38.9, abs=0.7)
    assert large["CreditScore"].mean() == pytest.approx(650.5, abs=2)
    assert germany.mean() == pytest.approx(0.25, abs=0.01)
