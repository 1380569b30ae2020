"""What a recipe is worth, measured on training texts alone.

The texts are dealt into folds. For each fold a model is made of all other texts, exactly as
`train` makes one, and asked about the texts of the fold, as are its members. What two ways to
serve the members at once would give is measured, too: the mean of their decisions, which costs as
much as all of them, and the mean of their weights, which costs as much as one (Wortsman et al.,
"Model soups", ICML 2022).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, JsonValue

from nlpinsight.backends.pooling import pooled
from nlpinsight.schema import LABELS, Label
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.finetuning.base import Weights
from nlpinsight.training.finetuning.batches import tokenize
from nlpinsight.training.finetuning.computing import logits
from nlpinsight.training.finetuning.finetune import Finetuned, finetune
from nlpinsight.training.finetuning.loop import Progress, silent
from nlpinsight.training.finetuning.members import Figures, deal_folds, figures_of
from nlpinsight.training.finetuning.options import FinetuneOptions
from nlpinsight.training.finetuning.pool import fit_pool

__all__ = ["CrossValidation", "FoldResult", "cross_validate"]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FoldResult(_Record):
    """How models answer the texts of one fold, having learned from the others.

    Attributes:
        number: Of the fold, from 1.
        learned_from: How many texts the model learned from.
        model: What `train` makes: the network, pooled with a linear model.
        linear_weight: The share of the linear model in it.
        network: The network on its own.
        members: Each member on its own.
        mean_of_decisions: Of the members.
        mean_of_weights: Of the members.
    """

    number: int
    learned_from: int
    model: Figures
    linear_weight: float
    network: Figures
    members: list[Figures]
    mean_of_decisions: Figures
    mean_of_weights: Figures


class CrossValidation(_Record):
    """What a recipe is worth.

    Attributes:
        folds: How many the texts were dealt into. Fewer of them may have been measured.
        base: The SHA-256 of the weights that every training began from.
        options: The recipe.
        results: Of each fold that was measured.
    """

    folds: int
    base: str
    options: dict[str, JsonValue]
    results: list[FoldResult]


def cross_validate(
    texts: Sequence[str],
    labels: Sequence[Label],
    *,
    weights: Weights,
    options: FinetuneOptions,
    folds: int,
    measured: int,
    work: Path,
    progress: Progress = silent,
) -> CrossValidation:
    """Measure a recipe, or go on where an interrupted measurement of the same kind stopped.

    Args:
        texts: Raw; they are normalised as in every request.
        labels: One per text.
        weights: The encoder to begin from.
        options: The recipe.
        folds: How many folds the texts are dealt into.
        measured: How many of them are measured, beginning with the first.
        work: The folder for the state that survives a kill.
        progress: Called after every step.

    Raises:
        DataError: There are too few texts, or `work` holds another training's state.
    """
    targets = np.array([LABELS.index(label) for label in labels], dtype=np.int64)
    results = []
    for number, fold in enumerate(
        deal_folds(targets, folds, seed=options.seed)[:measured], start=1
    ):
        inside = np.setdiff1d(np.arange(len(texts)), fold)
        tuned = finetune(
            [texts[row] for row in inside],
            [labels[row] for row in inside],
            weights=weights,
            options=options,
            work=work / f"fold-{number}",
            progress=_of_fold(number, measured, progress),
        )
        pool = fit_pool([texts[row] for row in inside], targets[inside], tuned).pool
        outside = normalise_all([texts[row] for row in fold])
        linear, _ = pool.linear.decide(outside)
        said = _decisions(tuned, outside)
        results.append(
            FoldResult(
                number=number,
                learned_from=len(inside),
                model=figures_of(targets[fold], pooled(said.network, linear, pool.weight)),
                linear_weight=pool.weight,
                network=figures_of(targets[fold], said.network),
                members=[figures_of(targets[fold], one) for one in said.members],
                mean_of_decisions=figures_of(targets[fold], np.mean(said.members, axis=0)),
                mean_of_weights=figures_of(targets[fold], said.mean_of_weights),
            )
        )
    return CrossValidation(
        folds=folds, base=weights.sha256, options=asdict(options), results=results
    )


@dataclass(frozen=True)
class _Decisions:
    network: Floats
    members: list[Floats]
    mean_of_weights: Floats


def _decisions(tuned: Finetuned, texts: Sequence[str]) -> _Decisions:
    options = tuned.options
    tokens = tokenize(tuned.tokenizer, texts, options.max_length)

    def decide() -> Floats:
        return logits(tuned.network, tokens, precision=options.precision)

    def decide_with(weights: Mapping[str, torch.Tensor]) -> Floats:
        tuned.network.load_state_dict(weights)
        return decide()

    mean = {
        name: torch.stack([state[name] for state in tuned.member_weights]).mean(dim=0)
        if value.is_floating_point()
        else value
        for name, value in tuned.member_weights[0].items()
    }
    return _Decisions(
        network=decide(),
        members=[decide_with(state) for state in tuned.member_weights],
        mean_of_weights=decide_with(mean),
    )


def _of_fold(number: int, folds: int, progress: Progress) -> Progress:
    def tell(done: int, total: int, what: str) -> None:
        progress(done, total, f"fold {number} of {folds}, {what}")

    return tell
