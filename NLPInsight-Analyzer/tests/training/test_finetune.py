from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs: make train-env-NLPInsight-Analyzer")

import torch
from nlpinsight.data import Corpus
from nlpinsight.evaluate import measure
from nlpinsight.text import normalise_all
from nlpinsight.training import loop
from nlpinsight.training.base import Weights
from nlpinsight.training.computing import logits
from nlpinsight.training.finetune import Finetuned, finetune, tokenize
from nlpinsight.training.options import FinetuneOptions
from servicekit.files import DataError

FAST = FinetuneOptions(
    epochs=2, batch_size=32, max_length=16, learning_rate=3e-3, holdout=0.2, threads=1
)


def test_the_real_encoder_learns(tuned: Finetuned, unseen: Corpus) -> None:
    first, last = np.mean(tuned.losses[:5]), np.mean(tuned.losses[-5:])
    assert last < 0.75 * first
    tokens = tokenize(tuned.tokenizer, normalise_all(unseen.texts), tuned.options.max_length)
    scores = np.exp(logits(tuned.network, tokens))
    found = measure(unseen.targets, scores / scores.sum(axis=1, keepdims=True))
    assert found.accuracy > found.majority + 0.15
    assert found.macro_f1 > 0.6


def test_what_was_done_is_told(tuned: Finetuned, learning: Corpus) -> None:
    assert tuned.train_rows + tuned.holdout_rows == len(learning)
    assert [epoch.number for epoch in tuned.epochs] == [1, 2]
    assert 1 <= tuned.best_epoch <= 2
    assert len(tuned.losses) == 2 * -(-tuned.train_rows // tuned.options.batch_size)
    assert tuned.seconds > 0
    assert tuned.resumed == 0


def test_the_seed_determines_the_weights(
    tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    def train(seed: int, name: str) -> dict[str, object]:
        options = replace(FAST, seed=seed, epochs=1)
        tuned = finetune(
            learning.texts,
            learning.labels,
            weights=tiny_weights,
            options=options,
            work=tmp_path / name,
        )
        return {name: value.numpy() for name, value in tuned.network.state_dict().items()}

    one, same, other = train(1, "one"), train(1, "same"), train(2, "other")
    assert all(np.array_equal(one[name], same[name]) for name in one)  # type: ignore[arg-type]
    assert not np.array_equal(one["head.weight"], other["head.weight"])  # type: ignore[arg-type]


def test_progress_counts_every_step_and_says_how_each_epoch_ended(
    tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    told: list[tuple[int, int, str]] = []
    tuned = finetune(
        learning.texts,
        learning.labels,
        weights=tiny_weights,
        options=FAST,
        work=tmp_path,
        progress=lambda *step: told.append(step),
    )
    steps = [done for done, _, what in told if "loss" in what]
    assert steps == list(range(1, len(tuned.losses) + 1))
    assert {total for _, total, _ in told} == {len(tuned.losses)}
    assert sum("hold-out accuracy" in what for _, _, what in told) == 2


# The hold-out's accuracy after each epoch, of 72 texts: a standard error is about 0.04 to 0.06.
@pytest.mark.parametrize(
    ("accuracies", "epochs", "kept"),
    [
        ([0.5, 0.9, 0.5, 0.5, 0.9], 4, 2),  # clearly worse twice in a row: stopped
        ([0.5, 0.9, 0.5, 0.9, 0.5], 5, 4),  # once is forgiven, and equals go to the later
        ([0.9, 0.5, 0.5, 0.9, 0.9], 3, 1),
        ([0.90, 0.89, 0.90, 0.89, 0.89], 5, 5),  # worse by less than chance: the latest
        ([0.5, 0.6, 0.7, 0.8, 0.9], 5, 5),
    ],
)
def test_training_stops_early_and_keeps_the_latest_that_is_not_clearly_worse(
    *,
    accuracies: list[float],
    epochs: int,
    kept: int,
    tiny_weights: Weights,
    learning: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, told_again = iter(accuracies), iter(accuracies)
    monkeypatch.setattr(loop, "accuracy_score", lambda _truth, _answers: next(told))
    monkeypatch.setattr(loop, "f1_score", lambda _truth, _answers, **_: next(told_again))
    options = replace(FAST, epochs=5, patience=2, batch_size=128)
    tuned = finetune(
        learning.texts, learning.labels, weights=tiny_weights, options=options, work=tmp_path
    )
    assert len(tuned.epochs) == epochs
    assert tuned.best_epoch == kept


def test_agreeing_with_oneself_is_part_of_the_loss(
    tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    def losses(consistency: float) -> tuple[float, ...]:
        options = replace(FAST, epochs=1, consistency=consistency)
        return finetune(
            learning.texts,
            learning.labels,
            weights=tiny_weights,
            options=options,
            work=tmp_path / str(consistency),
        ).losses

    weak, strong = losses(0.001), losses(10)
    # The first step has the same weights, texts and dropout in both.
    assert strong[0] > weak[0]


def test_too_few_texts_of_a_label_are_refused(
    tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    labels = list(learning.labels)
    labels[:] = ["neutral"] * len(learning)
    labels[:3] = ["positive"] * 3
    with pytest.raises(DataError, match="only 0 negative, 3 positive texts; fine-tuning needs 20"):
        finetune(learning.texts, labels, weights=tiny_weights, options=FAST, work=tmp_path)


def test_more_tokens_than_the_encoder_reads_are_refused(
    tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    options = replace(FAST, max_length=65)
    with pytest.raises(DataError, match="reads at most 64 tokens, fewer than the 65"):
        finetune(
            learning.texts, learning.labels, weights=tiny_weights, options=options, work=tmp_path
        )


def test_torch_gets_its_threads_back(
    tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        finetune(learning.texts, learning.labels, weights=tiny_weights, options=FAST, work=tmp_path)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
