"""Tokens, and batches of texts of like length: padding is computing for nothing."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

__all__ = ["batches_of_epoch", "in_order", "pad", "tokenize"]

Tokens = Sequence[Sequence[int]]
Rows = npt.NDArray[np.int64]

# Texts are sorted by length inside groups of this many batches. More of them saves little more and
# makes batches less random.
_GROUP: Final = 20


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """The identifiers of normalised texts, cut as the service cuts them."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def batches_of_epoch(lengths: Rows, *, batch_size: int, seed: int, epoch: int) -> list[Rows]:
    """The rows of each batch of an epoch, in a random order that seed and epoch determine."""
    random = np.random.default_rng([seed, epoch])
    shuffled = random.permutation(len(lengths))
    batches = []
    for start in range(0, len(shuffled), batch_size * _GROUP):
        group = shuffled[start : start + batch_size * _GROUP]
        by_length = group[np.argsort(lengths[group], kind="stable")]
        batches += _cut(by_length, batch_size)
    return [batches[place] for place in random.permutation(len(batches))]


def in_order(lengths: Rows, *, batch_size: int) -> Iterator[Rows]:
    """Every row once, the shortest first: for answers, where the order does not matter."""
    yield from _cut(np.argsort(lengths, kind="stable"), batch_size)


def pad(tokens: Tokens, *, padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch as the network takes it: identifiers and mask, as wide as the longest text."""
    width = max(map(len, tokens))
    identifiers = np.full((len(tokens), width), padding, dtype=np.int64)
    mask = np.zeros((len(tokens), width), dtype=np.int64)
    for row, one in enumerate(tokens):
        identifiers[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return torch.from_numpy(identifiers), torch.from_numpy(mask)


def _cut(rows: Rows, size: int) -> list[Rows]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
