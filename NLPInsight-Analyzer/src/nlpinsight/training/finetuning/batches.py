"""Tokens, and batches of texts of similar length, which need little padding."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch
from tokenizers import Tokenizer

from nlpinsight.arrays import Int64Array

Tokens = Sequence[Sequence[int]]

# Texts are sorted by length inside groups of this many batches. More would save little and make
# batches less random.
_GROUP: Final = 20


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """The token identifiers of normalised texts, truncated as in the service."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def batches_of_epoch(
    lengths: Int64Array, *, batch_size: int, seed: int, epoch: int
) -> list[Int64Array]:
    """The rows of each batch of an epoch, in a random order given by seed and epoch."""
    random = np.random.default_rng([seed, epoch])
    shuffled = random.permutation(len(lengths))
    batches = []
    for start in range(0, len(shuffled), batch_size * _GROUP):
        group = shuffled[start : start + batch_size * _GROUP]
        by_length = group[np.argsort(lengths[group], kind="stable")]
        batches += _cut(by_length, batch_size)
    return [batches[place] for place in random.permutation(len(batches))]


def in_order(lengths: Int64Array, *, batch_size: int) -> Iterator[Int64Array]:
    """Batches of all rows, shortest first, for predictions."""
    yield from _cut(np.argsort(lengths, kind="stable"), batch_size)


def pad(tokens: Tokens, *, padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad a batch: identifiers and mask, as wide as the longest text."""
    width = max(map(len, tokens))
    identifiers = np.full((len(tokens), width), padding, dtype=np.int64)
    mask = np.zeros((len(tokens), width), dtype=np.int64)
    for row, one in enumerate(tokens):
        identifiers[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return torch.from_numpy(identifiers), torch.from_numpy(mask)


def _cut(rows: Int64Array, size: int) -> list[Int64Array]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
