"""Bloom filter: no false negatives, few false positives."""

import numpy as np
import numpy.typing as npt
from chicagotaxi.etl.engines.bloom_filter import BloomFilter
from hypothesis import given
from hypothesis import strategies as st

# Few of them, so that they come again, and with neighbours, which are in one word.
KEYS = st.integers(0, 5) | st.integers(0, 2**64 - 1) | st.just(2**64 - 1)


def hashes(keys: list[int]) -> npt.NDArray[np.uint64]:
    return np.array(keys, dtype=np.uint64)


@given(batches=st.lists(st.lists(KEYS, max_size=20), max_size=8))
def test_a_key_that_was_added_is_always_found(batches: list[list[int]]) -> None:
    seen, before = BloomFilter(bits=12), set[int]()
    for batch in batches:
        found = seen.add(hashes(batch))
        assert len(found) == len(batch)
        for key, flag in zip(batch, found.tolist(), strict=True):
            assert flag or key not in before
            before.add(key)


def test_the_first_of_a_key_is_not_taken_for_a_repeat() -> None:
    seen = BloomFilter()
    keys = [3, 1, 2**63, 3, 1, 3]
    assert seen.add(hashes(keys)).tolist() == [False, False, False, True, True, True]
    assert seen.add(hashes([2**63, 2])).tolist() == [True, False]


def test_false_positives_are_few() -> None:
    keys = np.random.default_rng(0).integers(0, 2**64, 2**16, dtype=np.uint64)
    assert len(np.unique(keys)) == len(keys)
    seen = BloomFilter(bits=22)
    found = [seen.add(part).mean() for part in np.array_split(keys, 8)]
    # One bit in 32 is set at the end, and a key is two: not quite one of a thousand.
    assert found[0] == 0.0
    assert 0.0 < found[-1] < 0.003
