"""The training loop of one network, and a state that goes on where it stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch.optim.swa_utils import AveragedModel

from nlpinsight.training.finetuning.batches import batches_of_epoch, pad
from nlpinsight.training.finetuning.checkpoint import Checkpoint
from nlpinsight.training.finetuning.computing import computing_in, running_mean
from nlpinsight.training.finetuning.network import Network
from nlpinsight.training.finetuning.options import FinetuneOptions

__all__ = ["Progress", "Training", "silent"]

Rows = npt.NDArray[np.int64]
Progress = Callable[[int, int, str], None]
"""Called with the number of steps done, of all steps, and what is going on."""

_RECENT: Final = 50


def silent(_done: int, _total: int, _what: str) -> None:
    """Progress that nobody watches."""


@dataclass
class Training:
    """A training under way: everything that a checkpoint holds, and what does not change.

    Attributes:
        network: What is trained.
        tokens: The identifiers of each text.
        targets: The place of each text's label in `LABELS`.
        seed: Decides the order of the texts and dropout.
        options: How to train.
        progress: Called after every step.
        losses: Of every step so far.
        seconds: How long it took, without what a kill took away.
        resumed: How often it was continued after an interruption.
    """

    network: Network
    tokens: list[list[int]]
    targets: Rows
    seed: int
    options: FinetuneOptions
    progress: Progress
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    resumed: int = 0

    def __post_init__(self) -> None:
        """Set up what steps and what is saved."""
        options = self.options
        torch.manual_seed(self.seed)
        self.lengths = np.array([len(one) for one in self.tokens], dtype=np.int64)
        self.steps_per_epoch = len(self._order(0))
        self.total = options.epochs * self.steps_per_epoch
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            max_lr=options.learning_rate,
            total_steps=self.total,
            pct_start=options.warmup,
        )
        self.loss = torch.nn.CrossEntropyLoss(label_smoothing=options.label_smoothing)
        self.mean = AveragedModel(self.network, multi_avg_fn=running_mean(options.averaging))
        self.done = 0

    @property
    def averaged(self) -> Network:
        """The network with the running mean of the weights, which is what a training makes."""
        network: Network = self.mean.module
        return network

    @property
    def train_losses(self) -> tuple[float, ...]:
        """The mean loss of each epoch."""
        steps = np.array(self.losses).reshape(self.options.epochs, self.steps_per_epoch)
        return tuple(steps.mean(axis=1).tolist())

    def run(self, checkpoint: Checkpoint, saved: dict[str, Any] | None) -> None:
        """Train to the end, from a saved state where there is one."""
        if saved is not None:
            self._restore(saved)
        began = time.monotonic()
        while self.done < self.total:
            for batch in self._order(self.done // self.steps_per_epoch)[self._place :]:
                self._step(batch)
                if self.done % self.options.checkpoint_steps == 0 and self.done < self.total:
                    began = self._clock(began)
                    checkpoint.save(self._state())
        self._clock(began)

    @property
    def _place(self) -> int:
        return self.done % self.steps_per_epoch

    def _order(self, epoch: int) -> list[Rows]:
        return batches_of_epoch(
            self.lengths, batch_size=self.options.batch_size, seed=self.seed, epoch=epoch
        )

    def _step(self, rows: Rows) -> None:
        self.network.train()
        batch = pad([self.tokens[row] for row in rows], padding=self.network.padding)
        loss = self._loss(batch, torch.from_numpy(self.targets[rows]))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.optimizer.step()
        self.schedule.step()
        self.mean.update_parameters(self.network)
        self.done += 1
        self.losses.append(float(loss.detach()))
        recent = self.losses[-_RECENT:]
        self.progress(
            self.done,
            self.total,
            f"epoch {(self.done - 1) // self.steps_per_epoch + 1} of {self.options.epochs}, "
            f"loss {sum(recent) / len(recent):.3f}",
        )

    def _loss(self, batch: tuple[torch.Tensor, torch.Tensor], truth: torch.Tensor) -> torch.Tensor:
        weight = self.options.consistency
        if not weight:
            return self.loss(self._scores(*batch), truth)
        both = self._scores(*(torch.cat([part, part]) for part in batch))
        one, other = torch.log_softmax(both, dim=-1).chunk(2)
        # KL(one, other) + KL(other, one), halved.
        apart = ((one.exp() - other.exp()) * (one - other)).sum(dim=-1).mean() / 2
        return self.loss(both, torch.cat([truth, truth])) + weight * apart

    def _scores(self, *batch: torch.Tensor) -> torch.Tensor:
        with computing_in(self.options.precision):
            scores: torch.Tensor = self.network(*batch)
        return scores.float()

    def _clock(self, began: float) -> float:
        now = time.monotonic()
        self.seconds += now - began
        return now

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": torch.get_rng_state(),
            "done": self.done,
            "losses": self.losses,
            "seconds": self.seconds,
            "resumed": self.resumed,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        self.done = state["done"]
        self.losses = state["losses"]
        self.seconds = state["seconds"]
        self.resumed = state["resumed"] + 1
