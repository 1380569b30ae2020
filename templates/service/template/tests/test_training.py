import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from {{ package }} import model
from {{ package }}.data import Table, read_record
from {{ package }}.evaluation import measure
from {{ package }}.features import known_values
from {{ package }}.golden import golden_records
from {{ package }}.model import FILE_NAME, FittedModel, Predictor, load
from {{ package }}.schema import CATEGORIES, FEATURES, NUMBERS, Record
from {{ package }}.training import TrainedModel, model_version, seal, train
from {{ package }}.training_profile import ProfileError
from modelseal import SealError, open_sealed
from servicekit.files import DataError


def test_training_learns_the_mechanism_of_the_sample(trained: TrainedModel) -> None:
    metrics = trained.report.metrics
    assert metrics.rows == 300
    assert metrics.auc is not None
    assert metrics.auc > 0.7
    assert metrics.recall is not None
    assert trained.report.training_overlap["seen"] == 0


def test_metrics_are_those_of_the_rows_at_or_above_the_threshold() -> None:
    target = np.array([1, 0, 1, 0, 1], dtype=np.int64)
    probability = np.array([0.9, 0.5, 0.3, 0.1, 0.8], dtype=np.float64)
    metrics = measure(target, probability, 0.5)
    assert (metrics.rows, metrics.base_rate, metrics.selection_rate) == (5, 0.6, 0.6)
    assert metrics.precision == pytest.approx(2 / 3)
    assert metrics.recall == pytest.approx(2 / 3)
    assert metrics.auc == pytest.approx(5 / 6)
    assert measure(target[:1], probability[:1], 0.95).precision is None


def test_the_same_table_and_seed_give_the_same_files(table: Table, trained: TrainedModel) -> None:
    assert train(table, source="again", seed=5).files == trained.files
    assert train(table, source="other", seed=6).files != trained.files


def test_the_version_names_the_data_and_the_seed(table: Table) -> None:
    other = Table(table.values + 1, table.target)
    versions = {model_version(table, 1), model_version(other, 1), model_version(table, 2)}
    assert len(versions) == 3
    assert model_version(table, 1) in versions


def test_too_few_rows_of_one_kind_are_refused(table: Table) -> None:
    kept = np.flatnonzero(table.target == 0).tolist() + np.flatnonzero(table.target)[:49].tolist()
    with pytest.raises(DataError, match=r"The table has 49 rows with disputed 1; .* at least 50"):
        train(Table(table.values[kept], table.target[kept]), source="few")


def test_a_number_that_is_nearly_never_known_is_refused(table: Table) -> None:
    values = table.values.copy()
    values[49:, FEATURES.index("account_days")] = np.nan
    with pytest.raises(DataError, match=r"account_days is known in .* rows; training needs"):
        train(Table(values, table.target), source="unknown")


def test_a_sealed_model_opens_and_answers_as_the_one_in_memory(
    sealed: Path, predictor: Predictor, table: Table
) -> None:
    opened = open_sealed(sealed)
    assert isinstance(opened.predictor, Predictor)
    np.testing.assert_array_equal(
        opened.predictor.probabilities(table.values), predictor.probabilities(table.values)
    )
    guarded = {name for name, one in opened.manifest.environment.items() if one.guarded}
    assert guarded >= {"{{ package }}", "numpy", "scikit-learn", "scipy"}


def test_the_golden_records_have_every_bound_level_and_unknown_value() -> None:
    records = golden_records()
    for name, number in NUMBERS.items():
        values = {getattr(record, name) for record in records}
        assert values >= {number.low, number.high, *([None] if number.nullable else [])}
    for name, levels in CATEGORIES.items():
        assert {getattr(record, name) for record in records} == set(levels)


def test_a_model_whose_paths_disagree_is_not_sealed(
    trained: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_hour(cells: Mapping[str, str]) -> Record:
        return read_record({**cells, "hour": "0"})

    monkeypatch.setattr(model, "read_record", without_hour)
    with pytest.raises(SealError, match="'batch_probability' and 'table_probability'"):
        seal(trained, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_model_of_other_inputs_is_refused(trained: TrainedModel) -> None:
    document = json.loads(trained.files[FILE_NAME])
    document["profile"]["features"][0] = "price"
    with pytest.raises(ProfileError, match="trained on the inputs price, hour"):
        load({FILE_NAME: json.dumps(document).encode()})


def test_values_that_training_never_had_are_marked(
    table: Table, record: dict[str, object]
) -> None:
    web = table.values[:, FEATURES.index("channel")] == CATEGORIES["channel"].index("web")
    known = ~np.isnan(table.values[:, FEATURES.index("account_days")])
    rows = web & known
    profile = FittedModel.fit(Table(table.values[rows], table.target[rows])).profile
    changes: list[dict[str, object]] = [
        {},
        {"amount": 900_000.0},
        {"channel": "phone"},
        {"account_days": None, "items": 1_000},
    ]
    values = known_values([Record.model_validate(record | change) for change in changes])

    found = profile.find_warnings(values)

    assert {row: [(one.code, one.field) for one in of_row] for row, of_row in found.items()} == {
        1: [("outside_training_range", "amount")],
        2: [("level_not_in_training", "channel")],
        3: [("outside_training_range", "items"), ("unknown_not_in_training", "account_days")],
    }
    assert found[1][0].message.startswith("amount 900,000 is outside the training range, ")
    assert len(profile.notices()) == 2
