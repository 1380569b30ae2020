import math
from pathlib import Path

import numpy as np
import pytest
from modelwatch.errors import DocumentError, SchemaError
from modelwatch.profile import (
    MAX_LEVELS,
    OTHER,
    PROFILE_NAME,
    CategoryProfile,
    NumberProfile,
    ReferenceProfile,
    make_profile,
    read_profile,
)
from modelwatch.schema import LogSchema
from worlds import profile_of, sample

ONE = LogSchema(features={"x": "number", "note": "text"}, outputs={"y": "category"})


def profile(values: list[float | None], labels: list[str | None]) -> ReferenceProfile:
    return make_profile(ONE, features={"x": values}, outputs={"y": labels})


def test_a_number_is_counted_between_its_quantiles() -> None:
    found = profile([1.0, 2.0, 2.0, 4.0, None, math.nan], ["a"] * 6).features["x"]
    assert found == NumberProfile(
        rows=6,
        missing=2,
        low=1.0,
        high=4.0,
        mean=2.25,
        edges=(1.0, 2.0, 4.0),
        counts=(1, 2, 1),
    )


def test_a_number_of_many_values_has_two_hundred_quantiles() -> None:
    values: list[float | None] = [float(value) for value in range(10_001)]
    found = profile(values, ["a"] * len(values)).features["x"]
    assert isinstance(found, NumberProfile)
    assert found.edges == tuple(float(value) for value in range(50, 10_001, 50))
    assert found.counts == (51, *(50,) * 199)


def test_a_category_is_counted_by_level_and_rare_levels_together() -> None:
    labels: list[str | None] = [None, "b", "b", *(f"level{number}" for number in range(MAX_LEVELS))]
    found = profile([1.0] * len(labels), labels).outputs["y"]
    assert isinstance(found, CategoryProfile)
    assert (found.rows, found.missing) == (53, 1)
    assert found.levels["b"] == 2
    assert found.levels[OTHER] == 1
    assert len(found.levels) == MAX_LEVELS + 1
    assert found.rare_levels == ("level49",)
    assert found.singletons == 50


def test_texts_are_not_part_of_a_profile() -> None:
    assert set(profile([1.0], ["a"]).features) == {"x"}


def test_outputs_are_summarized_by_group() -> None:
    columns = sample(2000, np.random.default_rng(1))
    found = profile_of(columns).groups
    assert set(found["country"]) == {"France", "Germany", "Spain"}
    assert set(found["age"]) == {"below 30", "30 to 50", "from 50"}
    german = [
        value
        for country, value in zip(columns["country"], columns["probability"], strict=True)
        if country == "Germany"
    ]
    group = found["country"]["Germany"]
    assert group.rows == len(german)
    assert group.outputs["probability"] == pytest.approx(sum(german) / len(german))
    shares = group.outputs["label"]
    assert isinstance(shares, dict)
    assert sum(shares.values()) == pytest.approx(1)


def test_a_profile_is_a_json_document(tmp_path: Path) -> None:
    written = profile_of(sample(500, np.random.default_rng(1)))
    (tmp_path / "profile.json").write_text(written.model_dump_json(), encoding="utf-8")
    assert read_profile(tmp_path / "profile.json") == written


def test_the_profile_of_a_sealed_model_is_a_file_of_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=rf"{PROFILE_NAME} cannot be read"):
        read_profile(tmp_path)
    written = profile_of(sample(500, np.random.default_rng(1)))
    (tmp_path / PROFILE_NAME).write_text(written.model_dump_json(), encoding="utf-8")
    assert read_profile(tmp_path) == written


@pytest.mark.parametrize(
    ("values", "labels", "message"),
    [
        ([1.0], [None], "All values of y are missing"),
        ([1.0], ["a", "b"], r"different lengths: \[1, 2\]"),
    ],
)
def test_unusable_columns_are_refused(
    values: list[float | None], labels: list[str | None], message: str
) -> None:
    with pytest.raises(SchemaError, match=message):
        profile(values, labels)


def test_a_feature_without_values_is_left_out() -> None:
    grouped = LogSchema(
        features={"x": "number", "z": "category"}, outputs={"y": "category"}, groups=("x", "z")
    )
    columns: dict[str, list[float | str | None]] = {"x": [None, None], "z": ["a", "b"]}
    found = make_profile(grouped, features=columns, outputs={"y": ["a", "b"]})
    assert set(found.features) == set(found.groups) == {"z"}


def test_a_missing_column_and_a_group_without_boundaries_are_refused() -> None:
    with pytest.raises(SchemaError, match="no column y"):
        make_profile(ONE, features={"x": [1.0]}, outputs={})
    grouped = LogSchema(features={"x": "number"}, outputs={"y": "category"}, groups=("x",))
    with pytest.raises(SchemaError, match="x is a number without boundaries"):
        make_profile(grouped, features={"x": [1.0]}, outputs={"y": ["a"]})


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', None])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "profile.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=r"profile\.json"):
        read_profile(path)
