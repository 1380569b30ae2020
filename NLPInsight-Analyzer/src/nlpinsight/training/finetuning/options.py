"""How to fine-tune: every choice, and the bounds that keep a laptop usable meanwhile."""

import os
from dataclasses import dataclass
from typing import Final, Literal

from servicekit.files import DataError

__all__ = [
    "MAX_BATCH",
    "MAX_LENGTH",
    "FinetuneOptions",
    "Precision",
    "check_threads",
    "default_threads",
]

Precision = Literal["bfloat16", "float32"]
"""What matrices are multiplied in. Weights, their updates and the loss are float32 in any case."""

MAX_BATCH: Final = 128
MAX_LENGTH: Final = 512
_DEFAULT_THREADS: Final = 2


def default_threads() -> int:
    """Two threads, or one where there is but one core."""
    return min(_DEFAULT_THREADS, os.cpu_count() or 1)


def check_threads(threads: int) -> None:
    """Refuse more threads than there are cores.

    Raises:
        DataError: The number is out of bounds.
    """
    cores = os.cpu_count() or 1
    if not 1 <= threads <= cores:
        raise DataError(
            f"{threads} threads cannot be had: this machine has {cores}. Ask for fewer."
        )


@dataclass(frozen=True)
class FinetuneOptions:
    """The recipe. The defaults are what the model card's numbers were made with.

    Attributes:
        folds: How many folds the texts are dealt into, with a training on all texts but each.
        epochs: Of each of them.
        learning_rate: The peak of the one-cycle schedule.
        warmup: The share of all steps in which the rate rises.
        weight_decay: Of AdamW.
        label_smoothing: The share of a label's weight that goes to all classes alike.
        consistency: The weight of agreeing with oneself: each text is read twice, with other units
            dropped out, and what the two answers differ by (symmetric KL) is part of the loss.
            Costs a second reading; 0 turns it off.
        averaging: How much of the running mean of the weights each step keeps. The mean is what is
            evaluated and kept.
        precision: What matrices are multiplied in.
        clip: The largest norm of a step's gradient.
        batch_size: Texts per step.
        max_length: Tokens that are read of a text, marks of beginning and end included.
        checkpoint_steps: How many steps a kill may cost.
        seed: Of the folds, the order of the texts, the head's first weights and dropout.
        threads: That torch computes with. Another number changes the last digits of the weights.
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
        """Refuse what cannot be trained with.

        Raises:
            DataError: A value is out of bounds; the message names all that are.
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
            "max_length": (8, MAX_LENGTH),
            "checkpoint_steps": (1, 1_000_000),
            "seed": (0, 2**32 - 1),
        }
        broken = [
            f"{name} is {getattr(self, name)}, and must be between {low:g} and {high:g}"
            for name, (low, high) in bounds.items()
            if not low <= getattr(self, name) <= high
        ]
        if broken:
            raise DataError(f"The training cannot begin: {'; '.join(broken)}.")
        check_threads(self.threads)
