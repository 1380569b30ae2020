"""Which keys of a stream may have come before: a Bloom filter, in memory that does not grow."""

from typing import Final

import numpy as np
import numpy.typing as npt

# 128 MiB. Of ten million keys one in some thousands is taken for another; of two hundred million,
# one in twenty.
_BITS: Final = 30
_WORD: Final = 6

Flags = npt.NDArray[np.bool_]


class SeenBefore:
    """A set of 64-bit hashes that never denies a member, and seldom takes another for one.

    Each key is two bits of one word of 64, so that to look it up is to read memory once: a blocked
    Bloom filter (Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).

    Args:
        bits: The binary logarithm of how many bits there are.
    """

    def __init__(self, bits: int = _BITS) -> None:
        self._words = np.zeros(2 ** (bits - _WORD), dtype=np.uint64)
        self._shift = np.uint64(64 - (bits - _WORD))

    def add(self, hashes: npt.NDArray[np.uint64]) -> Flags:
        """Add keys; which of them came before, here or in an earlier call.

        Args:
            hashes: Of the keys, spread over all 64 bits.

        Returns:
            As long. True for each that came before, and, seldom, for one that did not.
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
        # Of the keys of one word, which are seldom more than one, only the last is in it by now.
        again = np.flatnonzero(places[1:] == places[:-1])
        np.bitwise_or.at(self._words, places[again], bits[again])
        flags = np.empty(len(keys), dtype=np.bool_)
        flags[order] = found
        return flags
