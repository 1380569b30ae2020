"""Bloom filter: no false negatives, few false positives, in constant memory."""

from typing import Final

import numpy as np
import numpy.typing as npt

# 128 MiB. With ten million keys, one in some thousands is a false positive; with two hundred
# million, one in twenty.
_BITS: Final = 30
_WORD: Final = 6


class BloomFilter:
    """A set of 64-bit hashes.

    Each key sets two bits of one 64-bit word, so that a look-up reads memory once: a blocked Bloom
    filter (Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).

    Args:
        bits: Binary logarithm of the size in bits.
    """

    def __init__(self, bits: int = _BITS) -> None:
        self._words = np.zeros(2 ** (bits - _WORD), dtype=np.uint64)
        self._shift = np.uint64(64 - (bits - _WORD))

    def add(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Add keys.

        Args:
            hashes: Hashes of the keys, spread over all 64 bits.

        Returns:
            For each key, whether it was added before, in this call or an earlier one. Seldom also
            True for one that was not.
        """
        order = np.argsort(hashes, kind="stable")
        keys = hashes[order]
        places = (keys >> self._shift).astype(np.intp)
        low = np.uint64(2**_WORD - 1)
        bits = (np.uint64(1) << (keys & low)) | (np.uint64(1) << (keys >> np.uint64(_WORD) & low))
        words = self._words[places]
        found = (words & bits) == bits
        found[1:] |= keys[1:] == keys[:-1]
        self._words[places] = words | bits
        # Where several keys have the same word, which is rare, only the last was added by that.
        again = np.flatnonzero(places[1:] == places[:-1])
        np.bitwise_or.at(self._words, places[again], bits[again])
        flags = np.empty(len(keys), dtype=np.bool_)
        flags[order] = found
        return flags
