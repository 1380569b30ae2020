"""Cross-validates a training recipe on the training texts.

For each fold, a model is trained on all other texts, exactly as by `train`, and evaluated with its
members on the texts of the fold. Two ways to combine the members are evaluated, too: the mean of
their decisions, which costs as much as all of them, and the mean of their weights, which costs as
much as one (Wortsman et al., "Model soups", ICML 2022).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import JsonValue
from servicekit.progress import Advance, silent

from nlpinsight.arrays import Float64Array
from nlpinsight.backends.pooling import pooled
from nlpinsight.evaluation.reliability import Record
from nlpinsight.schema import LABELS, Label
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.finetune_options import FinetuneOptions
from nlpinsight.training.finetuning.batches import tokenize
from nlpinsight.training.finetuning.computing import logits
from nlpinsight.training.finetuning.finetune import Finetuned, finetune
from nlpinsight.training.finetuning.members import Figures, deal_folds, figures_of
from nlpinsight.training.finetuning.pool_fit import fit_pool
from nlpinsight.training.weights import Weights


class FoldResult(Record):
    """Metrics of models on the texts of one fold.

    Attributes:
        number: Number of the fold, from 1.
        learned_from: Number of training texts.
        model: The model of `train`: the network, pooled with a linear model.
        linear_weight: Weight of the linear model in it.
        network: The network alone.
        members: Each member alone.
        mean_of_decisions: The mean of the members' decisions.
        mean_of_weights: The mean of the members' weights.
    """

    number: int
    learned_from: int
    model: Figures
    linear_weight: float
    network: Figures
    members: list[Figures]
    mean_of_decisions: Figures
    mean_of_weights: Figures


class CrossValidation(Record):
    """The result of a cross-validation.

    Attributes:
        folds: Number of folds; fewer may have been evaluated.
        base: SHA-256 of the weights that every training started from.
        options: Training options.
        results: Metrics of each evaluated fold.
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
    advance: Advance = silent,
) -> CrossValidation:
    """Cross-validate a training recipe, or resume an interrupted cross-validation.

    Args:
        texts: Raw texts.
        labels: One label per text.
        weights: The encoder to start from.
        options: Training options.
        folds: Number of folds.
        measured: Number of folds to evaluate, from the first.
        work: Folder for checkpoints.
        advance: Called after every step.

    Raises:
        DataError: There are too few texts, or `work` holds another training's checkpoints.
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
            advance=_in_fold(number, measured, advance),
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
    network: Float64Array
    members: list[Float64Array]
    mean_of_weights: Float64Array


def _decisions(tuned: Finetuned, texts: Sequence[str]) -> _Decisions:
    options = tuned.options
    tokens = tokenize(tuned.tokenizer, texts, options.max_length)

    def decide() -> Float64Array:
        return logits(tuned.network, tokens, precision=options.precision)

    def decide_with(weights: Mapping[str, torch.Tensor]) -> Float64Array:
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


def _in_fold(number: int, folds: int, advance: Advance) -> Advance:
    def advance_in_fold(amount: float = 1, step: str | None = None) -> None:
        advance(amount, f"fold {number} of {folds}, {step}")

    return advance_in_fold
