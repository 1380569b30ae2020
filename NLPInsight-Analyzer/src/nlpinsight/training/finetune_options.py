"""Options of fine-tuning, with their bounds."""

import os
from dataclasses import dataclass
from typing import Final, Literal

from servicekit.files import DataError

Precision = Literal["bfloat16", "float32"]
"""Precision of matrix multiplications. Weights, updates and the loss are always float32."""

MAX_BATCH: Final = 128
MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 512
_DEFAULT_THREADS: Final = 2


def default_threads() -> int:
    """Two threads, or one on a single core."""
    return min(_DEFAULT_THREADS, os.cpu_count() or 1)


def check_threads(threads: int) -> None:
    """Refuse more threads than there are cores.

    Raises:
        DataError: The number is out of bounds.
    """
    cores = os.cpu_count() or 1
    if not 1 <= threads <= cores:
        raise DataError(
            f"{threads} threads are too many: this machine has {cores} cores. Ask for fewer."
        )


@dataclass(frozen=True)
class FinetuneOptions:
    """Training options. The defaults are those of the model card's results.

    Attributes:
        folds: Number of folds; a member is trained on all texts but each.
        epochs: Epochs of each training.
        learning_rate: Peak of the one-cycle schedule.
        warmup: Share of all steps in which the learning rate rises.
        weight_decay: Weight decay of AdamW.
        label_smoothing: Share of a label's weight that is distributed over all labels.
        consistency: Weight of the symmetric KL divergence between two answers to each text with
            different dropout. Doubles the computation; 0 turns it off.
        averaging: Share of the running mean of the weights that each step keeps. The mean is the
            result of a training.
        precision: Precision of matrix multiplications.
        clip: Maximum norm of a step's gradient.
        batch_size: Texts per step.
        max_length: Maximum number of tokens of a text, marks of beginning and end included.
        checkpoint_steps: Steps between two checkpoints.
        seed: Random seed of the folds, the order of the texts, the head's weights and dropout.
        threads: Threads of torch. Another number changes the last digits of the weights.
    """

    folds: int = 3
    epochs: int = 4
    learning_rate: float = 1e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    consistency: float = 1.0
    averaging: float = 0.995
    precision: Precision = "float32"
    clip: float = 1.0
    batch_size: int = 32
    max_length: int = 64
    checkpoint_steps: int = 200
    seed: int = 42
    threads: int = 2

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            DataError: A value is out of bounds; the message names all of them.
        """
        bounds: dict[str, tuple[float, float]] = {
            "folds": (2, 20),
            "epochs": (1, 50),
            "learning_rate": (1e-7, 1e-2),
            "warmup": (0.01, 0.9),
            "weight_decay": (0, 1),
            "label_smoothing": (0, 0.5),
            "consistency": (0, 10),
            "averaging": (0, 0.9999),
            "clip": (1e-3, 1e3),
            "batch_size": (1, MAX_BATCH),
            "max_length": (MIN_LENGTH, MAX_LENGTH),
            "checkpoint_steps": (1, 1_000_000),
            "seed": (0, 2**32 - 1),
        }
        broken = [
            f"{name} is {getattr(self, name)}, and must be between {low:g} and {high:g}"
            for name, (low, high) in bounds.items()
            if not low <= getattr(self, name) <= high
        ]
        if broken:
            raise DataError(f"The training options are invalid: {'; '.join(broken)}.")
        check_threads(self.threads)
