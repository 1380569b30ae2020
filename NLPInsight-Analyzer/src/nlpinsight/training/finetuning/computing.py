"""Threads, precision, answers and running means of torch networks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch

from nlpinsight.arrays import Float64Array
from nlpinsight.schema import LABELS
from nlpinsight.training.finetune_options import Precision
from nlpinsight.training.finetuning.batches import in_order, pad
from nlpinsight.training.finetuning.network import Network

Tensors = Sequence[torch.Tensor]

_BATCH: Final = 64


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Limit torch to a number of threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def default_precision() -> Precision:
    """bfloat16 if the processor has AMX, which halves the time; else float32.

    Without AMX, bfloat16 is emulated and slower.
    """
    return "bfloat16" if torch.cpu._is_amx_tile_supported() else "float32"  # noqa: SLF001


def computing_in(precision: Precision) -> torch.autocast:
    """A context that sets the precision of matrix multiplications."""
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


def logits(
    network: Network, tokens: Sequence[Sequence[int]], *, precision: Precision = "float32"
) -> Float64Array:
    """A network's decisions on tokenized texts, before softmax: texts x labels."""
    lengths = np.array([len(one) for one in tokens], dtype=np.int64)
    answers = np.empty((len(tokens), len(LABELS)), dtype=np.float64)
    network.eval()
    with torch.inference_mode(), computing_in(precision):
        for rows in in_order(lengths, batch_size=_BATCH):
            batch = pad([tokens[row] for row in rows], padding=network.padding)
            answers[rows] = network(*batch).float().numpy()
    return answers


def running_mean(keep: float) -> Callable[[Tensors, Tensors, torch.Tensor], None]:
    """A running mean that starts as the plain mean, so that it forgets the initial weights."""

    def update(means: Tensors, now: Tensors, steps: torch.Tensor) -> None:
        share = min(keep, (1 + int(steps)) / (10 + int(steps)))
        with torch.no_grad():
            for mean, value in zip(means, now, strict=True):
                mean.lerp_(value, 1 - share)

    return update
