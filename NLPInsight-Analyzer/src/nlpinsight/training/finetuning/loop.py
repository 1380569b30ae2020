"""The training loop of one network, with a state that can be saved and restored."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from servicekit.progress import Advance
from torch.optim.swa_utils import AveragedModel

from nlpinsight.arrays import Int64Array
from nlpinsight.training.finetune_options import FinetuneOptions
from nlpinsight.training.finetuning.batches import batches_of_epoch, pad
from nlpinsight.training.finetuning.checkpoint import Checkpoint
from nlpinsight.training.finetuning.computing import computing_in, running_mean
from nlpinsight.training.finetuning.network import Network

_RECENT: Final = 50


@dataclass(frozen=True)
class TrainedNetwork:
    """The result of a training.

    Attributes:
        weights: Weights of the network.
        train_losses: Mean loss of each epoch.
        losses: Loss of each step.
        seconds: Duration, without steps that an interruption lost.
        resumed: Number of interruptions.
    """

    weights: dict[str, torch.Tensor]
    train_losses: list[float]
    losses: list[float]
    seconds: float
    resumed: int


@dataclass
class TrainingLoop:
    """A training in progress.

    Attributes:
        name: Name of the training, for progress.
        network: The network to train.
        tokens: Token identifiers of each text.
        targets: Index of each text's label in `LABELS`.
        seed: Random seed of the order of the texts and of dropout.
        options: Training options.
        advance: Called after every step.
        losses: Loss of each step so far.
        seconds: Duration so far, without steps that an interruption lost.
        resumed: Number of interruptions.
    """

    name: str

    network: Network
    tokens: list[list[int]]
    targets: Int64Array
    seed: int
    options: FinetuneOptions
    advance: Advance
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    resumed: int = 0

    def __post_init__(self) -> None:
        """Create the optimizer, the schedule and the running mean."""
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
        """The network with the running mean of the weights: the result of a training."""
        network: Network = self.mean.module
        return network

    def run(self, checkpoint: Checkpoint, saved: dict[str, Any] | None) -> TrainedNetwork:
        """Train to the end, from a saved state if there is one."""
        if saved is not None:
            self._restore(saved)
            self.advance(self.done, self.name)
        began = time.monotonic()
        while self.done < self.total:
            for batch in self._order(self.done // self.steps_per_epoch)[self._place :]:
                self._step(batch)
                if self.done % self.options.checkpoint_steps == 0 and self.done < self.total:
                    began = self._clock(began)
                    checkpoint.save(self._state())
        self._clock(began)
        steps = np.array(self.losses).reshape(self.options.epochs, self.steps_per_epoch)
        return TrainedNetwork(
            weights=self.averaged.state_dict(),
            train_losses=steps.mean(axis=1).tolist(),
            losses=self.losses,
            seconds=self.seconds,
            resumed=self.resumed,
        )

    @property
    def _place(self) -> int:
        return self.done % self.steps_per_epoch

    def _order(self, epoch: int) -> list[Int64Array]:
        return batches_of_epoch(
            self.lengths, batch_size=self.options.batch_size, seed=self.seed, epoch=epoch
        )

    def _step(self, rows: Int64Array) -> None:
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
        epoch = (self.done - 1) // self.steps_per_epoch + 1
        loss_now = sum(recent) / len(recent)
        self.advance(1, f"{self.name}, epoch {epoch} of {self.options.epochs}, loss {loss_now:.3f}")

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
