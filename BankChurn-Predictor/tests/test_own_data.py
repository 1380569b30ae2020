"""Adding or dropping a column is a change of schema.py alone, and a training.

Each test applies a diff of schema.py to a copy of the package, and runs the commands of "Your own
data" in README.md: generate, train, predict, serve.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bankchurn
import pandas as pd
import pytest
from bankchurn.schema import example
from servicekit.testing import PackageCopy, ask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ADD_TWO_COLUMNS = """\
--- a/schema.py
+++ b/schema.py
@@ -133,6 +133,8 @@
     Gender: Literal["Female", "Male"]
+    Segment: Literal["Retail", "Private", "Business"]
     Age: Annotated[int, Between(18, 100, example=42, groups=(30, 40, 50, 60))]
     Tenure: Annotated[int, Between(0, 10, example=2)] | None = None
     Balance: Annotated[float, Between(0, MAX_MONEY, example=83_807.86)]
     NumOfProducts: Annotated[int, Between(1, 4, example=1)]
+    Complaints: Annotated[int, Between(0, 50, example=2, monotone=1, groups=(1, 3))]
     HasCrCard: Flag
"""

DROP_TWO_COLUMNS = """\
--- a/schema.py
+++ b/schema.py
@@ -131,5 +131,3 @@
     CreditScore: Annotated[int, Between(300, 850, example=619)]
-    Geography: Literal["France", "Spain", "Germany"]
     Gender: Literal["Female", "Male"]
-    Age: Annotated[int, Between(18, 100, example=42, groups=(30, 40, 50, 60))]
     Tenure: Annotated[int, Between(0, 10, example=2)] | None = None
"""

OTHER_BOUNDS_AND_LEVELS = """\
--- a/schema.py
+++ b/schema.py
@@ -131,5 +131,5 @@
     CreditScore: Annotated[int, Between(300, 850, example=619)]
-    Geography: Literal["France", "Spain", "Germany"]
+    Geography: Literal["Austria", "Italy"]
     Gender: Literal["Female", "Male"]
-    Age: Annotated[int, Between(18, 100, example=42, groups=(30, 40, 50, 60))]
+    Age: Annotated[int, Between(18, 30, example=22)] | None = None
     Tenure: Annotated[int, Between(0, 10, example=2)] | None = None
"""


class Workplace(PackageCopy):
    """A copy of the package with another schema.py, and a folder for its data."""

    def __init__(self, folder: Path, diff: str) -> None:
        super().__init__(bankchurn, folder)
        command = ["git", "apply", "--verbose", "-"]
        subprocess.run(command, input=diff, text=True, cwd=self.source, check=True)

    def read(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / name)

    def write(self, name: str, table: pd.DataFrame) -> None:
        table.to_csv(self.folder / name, index=False)

    def train(self, name: str) -> Any:  # noqa: ANN401 - a JSON document
        """Train on a table; returns the report."""
        self.run("train", "--data", name, "--folds", "2")
        return self.report()


def groups_of(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(group["attribute"], group["value"]) for group in report["evaluation"]["groups"]}


def scores_in_file(work: Workplace, customers: Sequence[dict[str, object]]) -> list[float]:
    work.write("customers.csv", pd.DataFrame(customers))
    work.run("predict", "customers.csv", "scored.csv")
    found: list[float] = work.read("scored.csv")["churn_probability"].tolist()
    return found


def test_two_lines_add_two_columns_that_change_every_answer(tmp_path: Path) -> None:
    work = Workplace(tmp_path, ADD_TWO_COLUMNS)
    work.run("generate", "sample.csv", "--rows", "2000")
    table = work.read("sample.csv")
    assert set(table["Segment"]) == {"Retail", "Private", "Business"}
    leaves = (table["Segment"] == "Private") | (table["Complaints"] >= 3)
    table["Exited"] = leaves.astype(int)
    work.write("own.csv", table)
    report = work.train("own.csv")
    assert groups_of(report) >= {
        *(("Segment", level) for level in ("Retail", "Private", "Business")),
        *(("Complaints", band) for band in ("0-0", "1-2", "3-50")),
    }
    assert report["evaluation"]["metrics"]["auc"] > 0.99

    calm = example() | {"Segment": "Retail", "Complaints": 0}
    private, complaining = calm | {"Segment": "Private"}, calm | {"Complaints": 4}
    customers = [calm, private, complaining]
    with work.serve() as service:
        alone = [ask(service, "/predict?explain=true", customer) for customer in customers]
        batch = ask(service, "/predict_batch", {"customers": customers})["predictions"]
        documented = service.get("/openapi.json").json()["components"]["schemas"]["Customer"]
        for name in ("Segment", "Complaints"):
            without = {field: value for field, value in calm.items() if field != name}
            [error] = ask(service, "/predict", without, status=422)["errors"]
            assert error["field"].endswith(name)
        strange = ask(service, "/predict", calm | {"Segment": "Public"}, status=422)
        assert "'Retail', 'Private' or 'Business'" in strange["errors"][0]["message"]
        [warning] = ask(service, "/predict", calm | {"Complaints": 50})["warnings"]
        assert (warning["code"], warning["field"]) == ("outside_training_range", "Complaints")

    scores = [answer["churn_probability"] for answer in alone]
    assert scores[0] < 0.1
    assert min(scores[1:]) > 0.9
    assert [one["churn_probability"] for one in batch] == pytest.approx(scores, abs=1e-5)
    assert scores_in_file(work, customers) == pytest.approx(scores, abs=1e-5)
    why = [answer["explanation"]["log_odds_contributions"] for answer in alone]
    assert max(why[1], key=why[1].__getitem__) == "Segment"
    assert max(why[2], key=why[2].__getitem__) == "Complaints"
    assert why[0]["Segment"] < 0 > why[0]["Complaints"]
    assert {"Segment", "Complaints"} <= set(documented["required"])

    refused = work.run("train", "--data", str(tmp_path / "old.csv"), code=2)
    assert "old.csv" in refused
    work.write("old.csv", table.drop(columns=["Segment", "Complaints"]))
    refused = work.run("train", "--data", "old.csv", code=2)
    assert "the table lacks the columns Segment, Complaints" in refused


@pytest.mark.nightly
def test_dropping_two_lines_drops_two_columns_of_every_path(tmp_path: Path) -> None:
    work = Workplace(tmp_path, DROP_TWO_COLUMNS)
    work.run("generate", "sample.csv", "--rows", "1500")
    table = work.read("sample.csv")
    assert not {"Geography", "Age"} & set(table)
    report = work.train("sample.csv")
    assert {attribute for attribute, _ in groups_of(report)} == {"Gender"}

    dropped = {"Geography", "Age"}
    customer = {name: value for name, value in example().items() if name not in dropped}
    with work.serve() as service:
        answer = ask(service, "/predict?explain=true", customer)
        [error] = ask(service, "/predict", customer | {"Age": 40}, status=422)["errors"]
        assert error["field"].endswith("Age")
    assert list(answer["feature_contributions"]) == list(customer)
    # The column of a table is still copied, and no longer read.
    customers = [customer | {"Age": age} for age in (20, "unknown")]
    score = answer["churn_probability"]
    assert scores_in_file(work, customers) == pytest.approx([score, score], abs=1e-5)
    assert work.read("scored.csv")["Age"].tolist() == ["20", "unknown"]


@pytest.mark.nightly
def test_a_column_may_get_other_bounds_and_levels(tmp_path: Path) -> None:
    work = Workplace(tmp_path, OTHER_BOUNDS_AND_LEVELS)
    work.run("generate", "sample.csv", "--rows", "1500")
    table = work.read("sample.csv")
    assert set(table["Geography"]) == {"Austria", "Italy"}
    assert table["Age"].min() == 18
    assert table["Age"].max() <= 30
    assert 0 < table["Age"].isna().mean() < 0.2
    report = work.train("sample.csv")
    assert {group for group in groups_of(report) if group[0] == "Geography"} == {
        ("Geography", "Austria"),
        ("Geography", "Italy"),
    }

    customer = example() | {"Geography": "Austria", "Age": None}
    [score] = scores_in_file(work, [customer])
    with work.serve() as service:
        alone = ask(service, "/predict", customer)["churn_probability"]
        ask(service, "/predict", customer | {"Geography": "France"}, status=422)
    assert alone == pytest.approx(score, abs=1e-5)


def test_a_model_of_other_columns_is_refused_and_says_to_train_again(
    sealed: Path, tmp_path: Path
) -> None:
    work = Workplace(tmp_path, ADD_TWO_COLUMNS)
    work.write("customers.csv", pd.DataFrame([example() | {"Segment": "Retail", "Complaints": 0}]))
    refused = work.run("predict", "customers.csv", "out.csv", "--model", str(sealed), code=1)
    assert "Segment" in refused
    assert "Train the model again" in refused
