import numpy as np
from {{ package }}.data import Table
from {{ package }}.features import Encoder, known_values
from {{ package }}.schema import CATEGORIES, FEATURES, NUMBERS, Record


def test_numbers_are_scaled_and_each_level_has_a_column(table: Table) -> None:
    matrix = Encoder.fit(table.values).transform(table.values)
    numbers, levels = matrix[:, : len(NUMBERS)], matrix[:, len(NUMBERS) :]
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(numbers.std(axis=0), 1)
    channel = table.values[:, FEATURES.index("channel")]
    assert levels.shape == (1500, len(CATEGORIES["channel"]))
    np.testing.assert_array_equal(levels.argmax(axis=1), channel)
    np.testing.assert_array_equal(levels.sum(axis=1), 1)


def test_an_unknown_number_has_the_features_of_the_training_median(
    table: Table, record: dict[str, object]
) -> None:
    median = int(np.nanmedian(table.values[:, FEATURES.index("account_days")]))
    records = [Record.model_validate(record | {"account_days": days}) for days in (None, median)]
    unknown, known = Encoder.fit(table.values).transform(known_values(records))
    np.testing.assert_allclose(unknown, known, atol=1e-2)


def test_a_number_that_never_changes_does_not_divide_by_zero(table: Table) -> None:
    values = table.values.copy()
    values[:, FEATURES.index("items")] = 1
    assert np.isfinite(Encoder.fit(values).transform(values)).all()
