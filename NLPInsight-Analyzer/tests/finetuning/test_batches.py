import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs: make train-env-NLPInsight-Analyzer")

from nlpinsight.training.finetuning.batches import batches_of_epoch, in_order, pad

LENGTHS = st.lists(st.integers(2, 64), min_size=1, max_size=300)


@given(lengths=LENGTHS, size=st.integers(1, 40), seed=st.integers(0, 9), epoch=st.integers(0, 3))
def test_an_epoch_reads_every_text_once(
    lengths: list[int], size: int, seed: int, epoch: int
) -> None:
    batches = batches_of_epoch(np.array(lengths), batch_size=size, seed=seed, epoch=epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size for batch in batches)


@given(lengths=LENGTHS, size=st.integers(1, 40))
def test_answers_are_asked_for_once_for_every_text(lengths: list[int], size: int) -> None:
    rows = np.concatenate(list(in_order(np.array(lengths), batch_size=size)))
    assert sorted(rows.tolist()) == list(range(len(lengths)))


def test_seed_and_epoch_determine_the_order() -> None:
    lengths = np.random.default_rng(0).integers(2, 64, 500)

    def order(seed: int, epoch: int) -> list[int]:
        batches = batches_of_epoch(lengths, batch_size=8, seed=seed, epoch=epoch)
        return [int(row) for batch in batches for row in batch]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_texts_of_like_length_are_together() -> None:
    lengths = np.random.default_rng(0).integers(2, 64, 5000)
    batches = batches_of_epoch(lengths, batch_size=16, seed=0, epoch=0)
    padded = sum(int(lengths[batch].max()) * len(batch) for batch in batches)
    assert padded < 1.15 * lengths.sum()  # in random batches it would be about 1.9


def test_a_batch_is_as_wide_as_its_longest_text() -> None:
    identifiers, mask = pad([[5, 6, 7], [8]], padding=3)
    assert identifiers.tolist() == [[5, 6, 7], [8, 3, 3]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
