import os

import pytest
from nlpinsight.training.finetune_options import FinetuneOptions, default_threads
from servicekit.files import DataError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 51),
        ("batch_size", 0),
        ("batch_size", 129),
        ("max_length", 7),
        ("max_length", 513),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("folds", 1),
        ("folds", 21),
        ("consistency", -0.1),
        ("averaging", 1.0),
        ("seed", -1),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_its_name(name: str, value: float) -> None:
    with pytest.raises(DataError, match=rf"{name} is .*, and must be between"):
        FinetuneOptions(**{name: value})  # type: ignore[arg-type]


def test_every_value_out_of_bounds_is_told_at_once() -> None:
    with pytest.raises(DataError) as refused:
        FinetuneOptions(epochs=0, batch_size=1000)
    assert "epochs is 0" in str(refused.value)
    assert "batch_size is 1000" in str(refused.value)


@pytest.mark.parametrize("threads", [0, -1, (os.cpu_count() or 1) + 1])
def test_more_threads_than_cores_are_refused(threads: int) -> None:
    with pytest.raises(DataError, match="threads are too many: this machine has"):
        FinetuneOptions(threads=threads)


def test_the_default_leaves_the_machine_usable() -> None:
    assert 1 <= default_threads() <= 2
