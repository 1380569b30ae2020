"""The training loop: steps, an evaluation per epoch, and a state that goes on where it stopped."""

import copy
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from torch.optim.swa_utils import AveragedModel

from nlpinsight.training.batches import batches_of_epoch, pad
from nlpinsight.training.checkpoint import Checkpoint
from nlpinsight.training.computing import logits, running_mean
from nlpinsight.training.network import Network
from nlpinsight.training.options import FinetuneOptions

__all__ = ["Epoch", "Progress", "Training", "silent"]

Rows = npt.NDArray[np.int64]
Progress = Callable[[int, int, str], None]
"""Told how many steps are done, of how many at most, and what is going on."""

_RECENT: Final = 50


@dataclass(frozen=True)
class Epoch:
    """How an epoch ended.

    Attributes:
        number: From 1.
        train_loss: The mean over its steps.
        holdout_loss: Cross-entropy of the held-out training texts.
        holdout_accuracy: The share of them that got their label.
        holdout_macro_f1: The mean of the classes' F1.
    """

    number: int
    train_loss: float
    holdout_loss: float
    holdout_accuracy: float
    holdout_macro_f1: float


def silent(_done: int, _total: int, _what: str) -> None:
    """Progress that nobody watches."""


@dataclass
class Training:
    """A training under way: everything that a checkpoint holds, and what does not change."""

    network: Network
    tokens: list[list[int]]
    targets: Rows
    options: FinetuneOptions
    progress: Progress
    epochs: list[Epoch] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    resumed: int = 0

    def __post_init__(self) -> None:
        """Split the texts, and set up what steps and saves."""
        options = self.options
        everything = np.arange(len(self.targets))
        self.inside, self.outside = train_test_split(
            everything, test_size=options.holdout, stratify=self.targets, random_state=options.seed
        )
        self.lengths = np.array([len(one) for one in self.tokens], dtype=np.int64)[self.inside]
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
        self.best: dict[str, Any] = {}

    def run(self, checkpoint: Checkpoint) -> None:
        """Train to the end, from the checkpoint where there is one."""
        saved = checkpoint.load()
        if saved is not None:
            self._restore(saved)
        while not self._finished():
            began = time.monotonic()
            for batch in self._order(self._epoch)[self._place :]:
                self._step(self.inside[batch])
                # The end of an epoch is saved below, with its evaluation.
                if self.done % self.options.checkpoint_steps == 0 and self._place:
                    began = self._clock(began)
                    checkpoint.save(self._state())
            self._evaluate()
            self._clock(began)
            checkpoint.save(self._state())

    @property
    def _epoch(self) -> int:
        return self.done // self.steps_per_epoch

    @property
    def _place(self) -> int:
        return self.done % self.steps_per_epoch

    def _finished(self) -> bool:
        if self.done == self.total:
            return True
        return bool(self.epochs) and len(self.epochs) - self.best["epoch"] >= self.options.patience

    def _is_kept(self, epoch: Epoch) -> bool:
        """Whether an epoch takes the place of the one kept so far.

        It does unless it is worse by more than chance would have it, one standard error of the
        accuracy: of two that cannot be told apart, the later has learned at a lower rate.
        """
        if not self.best:
            return True
        best = max(one.holdout_macro_f1 for one in self.epochs)
        share = epoch.holdout_accuracy
        error = (share * (1 - share) / len(self.outside)) ** 0.5
        return bool(epoch.holdout_macro_f1 >= best - error)

    def _order(self, epoch: int) -> list[Rows]:
        options = self.options
        return batches_of_epoch(
            self.lengths, batch_size=options.batch_size, seed=options.seed, epoch=epoch
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
            return self.loss(self.network(*batch), truth)
        both = self.network(*(torch.cat([part, part]) for part in batch))
        one, other = torch.log_softmax(both, dim=-1).chunk(2)
        # KL(one, other) + KL(other, one), halved.
        apart = ((one.exp() - other.exp()) * (one - other)).sum(dim=-1).mean() / 2
        return self.loss(both, torch.cat([truth, truth])) + weight * apart

    def _evaluate(self) -> None:
        scores = logits(self.mean.module, [self.tokens[row] for row in self.outside])
        truth = self.targets[self.outside]
        answers = scores.argmax(axis=1)
        steps = self.losses[-self.steps_per_epoch :]
        epoch = Epoch(
            number=len(self.epochs) + 1,
            train_loss=sum(steps) / len(steps),
            holdout_loss=float(
                torch.nn.functional.cross_entropy(torch.from_numpy(scores), torch.from_numpy(truth))
            ),
            holdout_accuracy=float(accuracy_score(truth, answers)),
            holdout_macro_f1=float(f1_score(truth, answers, average="macro", zero_division=0)),
        )
        self.epochs.append(epoch)
        if self._is_kept(epoch):
            kept = copy.deepcopy(self.mean.module.state_dict())
            self.best = {"epoch": epoch.number, "network": kept}
        self.progress(
            self.done,
            self.total,
            f"epoch {epoch.number}: hold-out accuracy {epoch.holdout_accuracy:.3f}, "
            f"macro F1 {epoch.holdout_macro_f1:.3f}",
        )

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
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "losses": self.losses,
            "seconds": self.seconds,
            "resumed": self.resumed,
            "best": self.best,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        self.done = state["done"]
        self.epochs = [Epoch(**epoch) for epoch in state["epochs"]]
        self.losses = state["losses"]
        self.seconds = state["seconds"]
        self.best = state["best"]
        self.resumed = state["resumed"] + (not self._finished())
