from pathlib import Path

import numpy as np
import pytest
from counting import count_window
from modelwatch.profile import ReferenceProfile, make_profile
from modelwatch.reporting.drift import (
    ALPHA,
    MIN_ROWS,
    ColumnDrift,
    find_drift,
    population_stability,
)
from modelwatch.reporting.log_tables import open_tables
from modelwatch.reporting.window import named_columns, read_columns
from modelwatch.schema import LogSchema
from modelwatch.store import FolderStore
from worlds import Change, Columns, profile_of, sample, write_window

REFERENCE_ROWS = 10_000


@pytest.fixture(scope="module")
def profile() -> ReferenceProfile:
    return profile_of(sample(REFERENCE_ROWS, np.random.default_rng(0)))


def compare(
    profile: ReferenceProfile, columns: Columns, alpha: float = ALPHA
) -> dict[str, ColumnDrift]:
    return find_drift(named_columns(profile), count_window(profile, columns), alpha=alpha)


def drifted(found: dict[str, ColumnDrift]) -> set[str]:
    return {name for name, one in found.items() if one.state == "drift"}


@pytest.mark.parametrize("alpha", [ALPHA, 0.05])
def test_two_hundred_windows_without_drift_alarm_at_most_as_often_as_stated(alpha: float) -> None:
    """Each window has a reference of its own: one unlucky reference would decide for all."""
    random = np.random.default_rng(7)
    alarms = 0
    for _ in range(200):
        profile = profile_of(sample(1000, random), task=None)
        alarms += bool(drifted(compare(profile, sample(1000, random), alpha=alpha)))
    assert alarms <= 200 * alpha


def shift(columns: Columns, _: np.random.Generator) -> None:
    columns["age"] = [value + 5 for value in columns["age"]]


def new_level(columns: Columns, random: np.random.Generator) -> None:
    columns["country"] = [
        "Italy" if random.random() < 0.03 else value for value in columns["country"]
    ]


def missing_burst(columns: Columns, random: np.random.Generator) -> None:
    columns["tenure"] = [None if random.random() < 0.1 else value for value in columns["tenure"]]


def swapped_columns(columns: Columns, _: np.random.Generator) -> None:
    columns["age"], columns["balance"] = columns["balance"], columns["age"]


def unit_change(columns: Columns, _: np.random.Generator) -> None:
    columns["income"] = [value / 12 for value in columns["income"]]


def flipped_label(columns: Columns, _: np.random.Generator) -> None:
    columns["label"] = ["1" if value == "0" else "0" for value in columns["label"]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (shift, {"feature.age"}),
        (new_level, {"feature.country"}),
        (missing_burst, {"feature.tenure"}),
        (swapped_columns, {"feature.age", "feature.balance"}),
        (unit_change, {"feature.income"}),
        (flipped_label, {"output.label"}),
    ],
)
def test_a_drift_is_found_in_its_columns_and_in_no_other(
    profile: ReferenceProfile, change: Change, expected: set[str]
) -> None:
    random = np.random.default_rng(3)
    columns = sample(5000, random)
    assert drifted(compare(profile, columns)) == set()
    change(columns, random)
    assert drifted(compare(profile, columns)) == expected


def test_a_new_level_is_counted_and_a_value_out_of_the_range_too(
    profile: ReferenceProfile,
) -> None:
    columns = sample(1000, np.random.default_rng(3))
    columns["country"][:50] = ["Italy"] * 50
    columns["age"][:20] = [150.0] * 20
    found = compare(profile, columns)
    assert found["feature.country"].unseen == 0.05
    assert found["feature.age"].unseen == 0.02


def test_a_new_level_of_a_small_window_is_found(profile: ReferenceProfile) -> None:
    columns = sample(300, np.random.default_rng(3))
    columns["country"][:10] = ["Italy"] * 10
    found = compare(profile, columns)
    assert drifted(found) == {"feature.country"}
    assert found["feature.country"].p_values["unseen"] < 1e-6


def test_levels_that_are_rare_in_every_window_are_no_drift() -> None:
    """A thousand levels: each window has some that its reference has not."""
    schema = LogSchema(features={"shop": "category"}, outputs={"y": "number"})
    random = np.random.default_rng(8)
    shares = 1 / np.arange(1, 1001)
    alarms, unseen = 0, 0
    for _ in range(100):
        drawn = [
            [f"shop {shop}" for shop in random.choice(1000, 1500, p=shares / shares.sum())]
            for _ in range(2)
        ]
        rows = [1.0] * 1500
        profile = make_profile(schema, features={"shop": drawn[0]}, outputs={"y": rows})
        window = count_window(profile, {"shop": drawn[1], "y": rows})
        unseen += window["feature.shop"].unseen
        alarms += bool(drifted(find_drift(named_columns(profile), window, alpha=0.05)))
    assert unseen > 100 * 100
    assert alarms <= 5


def test_a_small_window_says_so_instead_of_guessing(profile: ReferenceProfile) -> None:
    columns = sample(MIN_ROWS - 1, np.random.default_rng(3))
    unit_change(columns, np.random.default_rng(3))
    found = compare(profile, columns)
    assert {one.state for one in found.values()} == {"too-small"}
    assert all(one.psi is None and not one.p_values for one in found.values())


def test_a_tiny_change_of_a_large_window_drifts_but_does_not_matter(
    profile: ReferenceProfile,
) -> None:
    columns = sample(100_000, np.random.default_rng(3))
    columns["age"] = [value + 1 for value in columns["age"]]
    found = compare(profile, columns)["feature.age"]
    assert (found.state, found.material) == ("drift", False)
    assert found.psi is not None
    assert found.psi < 0.05


def test_a_column_that_is_always_missing_drifts(profile: ReferenceProfile) -> None:
    columns = sample(1000, np.random.default_rng(3))
    columns["income"] = [None] * 1000
    found = compare(profile, columns)["feature.income"]
    assert (found.state, found.material, found.psi, found.missing) == ("drift", True, None, 1.0)


def test_a_column_that_is_not_logged_says_so(profile: ReferenceProfile) -> None:
    window = count_window(profile, sample(1000, np.random.default_rng(3)))
    del window["feature.age"]
    assert find_drift(named_columns(profile), window)["feature.age"].state == "not-logged"


def test_the_population_stability_index_is_the_sum_over_the_bins() -> None:
    one, other = np.array([9.5, 89.5]), np.array([19.5, 79.5])
    assert population_stability(one, other) == pytest.approx(
        0.1 * np.log(2) + (80 - 90) / 100 * np.log(8 / 9)
    )
    assert population_stability(one, one) == 0


def test_duckdb_counts_as_numpy_does(tmp_path: Path, profile: ReferenceProfile) -> None:
    """The tests above rest on it."""
    columns = sample(3000, np.random.default_rng(5))
    columns["country"][:50] = ["Italy"] * 50
    columns["age"][:20] = [150.0] * 20
    columns["income"][:5] = [float("nan")] * 5
    write_window(tmp_path, columns, truth=False)
    columns["income"][:5] = [None] * 5
    with open_tables(FolderStore(tmp_path / "log")) as tables:
        tables.add_predictions()
        found = read_columns(tables, profile, "predictions")
    expected = count_window(profile, columns)
    assert {name: one[:4] for name, one in found.items()} == {
        name: one[:4] for name, one in expected.items()
    }
    assert found["feature.country"].examples == ("Italy",)
