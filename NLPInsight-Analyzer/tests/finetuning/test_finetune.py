from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs: make train-env-NLPInsight-Analyzer")

import torch
from nlpinsight.data.corpus import Corpus
from nlpinsight.evaluation.metrics import measure
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.finetune_options import FinetuneOptions, Precision
from nlpinsight.training.finetuning.batches import tokenize
from nlpinsight.training.finetuning.computing import default_precision, logits
from nlpinsight.training.finetuning.finetune import Finetuned, finetune, total_steps
from nlpinsight.training.finetuning.members import cross_validated, deal_folds
from nlpinsight.training.finetuning.network import load_encoder
from nlpinsight.training.weights import Weights
from servicekit.files import DataError

FAST = FinetuneOptions(
    folds=2, epochs=2, batch_size=32, max_length=16, learning_rate=3e-3, threads=1
)


def test_the_real_encoder_learns(tuned: Finetuned, unseen: Corpus) -> None:
    first, last = np.mean(tuned.losses[:5]), np.mean(tuned.losses[-5:])
    assert last < 0.75 * first
    tokens = tokenize(tuned.tokenizer, normalise_all(unseen.texts), tuned.options.max_length)
    scores = np.exp(logits(tuned.network, tokens))
    found = measure(unseen.targets, scores / scores.sum(axis=1, keepdims=True))
    assert found.accuracy > found.majority + 0.15
    assert found.macro_f1 > 0.6


def test_every_text_is_answered_by_a_member_that_did_not_learn_from_it(
    tuned: Finetuned, learning: Corpus
) -> None:
    assert [member.number for member in tuned.members] == [1, 2]
    for member in tuned.members:
        assert member.learned_from + member.fold.texts == len(learning)
        assert len(member.train_losses) == tuned.options.epochs
    plain = ~tuned.held_out.hidden
    assert plain.sum() == (~plain).sum() == len(learning)
    counts = np.bincount(tuned.held_out.targets[plain])
    np.testing.assert_array_equal(counts, np.bincount(learning.targets))
    figures = cross_validated(tuned.held_out)
    assert figures.texts == len(learning)
    by_fold = [member.fold.accuracy * member.fold.texts for member in tuned.members]
    assert figures.accuracy * len(learning) == pytest.approx(sum(by_fold))


def test_a_member_answers_its_fold_and_learns_from_all_else(
    tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    options = replace(FAST, epochs=1)
    fold, _ = deal_folds(learning.targets, options.folds, seed=options.seed)
    changed = ["Nothing of it" if row in fold else text for row, text in enumerate(learning.texts)]
    one, again = (
        finetune(
            texts, learning.labels, weights=tiny_weights, options=options, work=tmp_path / name
        )
        for name, texts in (("one", learning.texts), ("again", changed))
    )
    for name, value in one.member_weights[0].items():
        assert torch.equal(value, again.member_weights[0][name]), name
    assert not torch.equal(
        one.member_weights[1]["head.weight"], again.member_weights[1]["head.weight"]
    )
    assert one.members[0].fold != again.members[0].fold


def test_the_answer_to_a_text_is_that_of_the_member_that_did_not_learn_from_it(
    tuned: Finetuned, learning: Corpus
) -> None:
    folds = deal_folds(learning.targets, 2, seed=tuned.options.seed)
    rows = np.concatenate(folds)
    plain = tuned.held_out.decisions[~tuned.held_out.hidden]
    np.testing.assert_array_equal(
        tuned.held_out.targets[~tuned.held_out.hidden], learning.targets[rows]
    )
    tokens = tokenize(tuned.tokenizer, normalise_all(learning.texts), tuned.options.max_length)
    found = np.empty_like(plain)
    for weights, fold in zip(tuned.member_weights, folds, strict=True):
        network = load_encoder(tuned.weights)
        network.load_state_dict(weights)
        found[fold] = logits(network, [tokens[row] for row in fold])
    np.testing.assert_allclose(plain, found[rows], atol=1e-5)


def test_the_model_learns_from_all_texts(
    tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    options = replace(FAST, epochs=1)
    tuned = finetune(
        learning.texts, learning.labels, weights=tiny_weights, options=options, work=tmp_path
    )
    # Of 360 texts, 32 a step: both halves, and all of them.
    assert len(tuned.losses) == 6 + 6 + 12
    assert tuned.train_losses == [pytest.approx(np.mean(tuned.losses[12:]))]
    assert not any(
        torch.equal(tuned.network.state_dict()["head.weight"], one["head.weight"])
        for one in tuned.member_weights
    )


def test_in_bfloat16_a_network_learns_about_the_same(
    tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    def losses(precision: Precision) -> tuple[float, ...]:
        options = replace(FAST, epochs=1, precision=precision)
        return finetune(
            learning.texts,
            learning.labels,
            weights=tiny_weights,
            options=options,
            work=tmp_path / precision,
        ).losses

    coarse, fine = losses("bfloat16"), losses("float32")
    assert coarse != fine
    np.testing.assert_allclose(coarse, fine, atol=0.05)


@pytest.mark.parametrize(("amx", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_bfloat16_is_the_default_only_where_the_processor_has_it(
    *, amx: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert default_precision() == expected


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
    reported: list[str | None] = []

    def count(amount: float = 1, step: str | None = None) -> None:
        assert amount == 1
        reported.append(step)

    tuned = finetune(
        learning.texts,
        learning.labels,
        weights=tiny_weights,
        options=FAST,
        work=tmp_path,
        advance=count,
    )
    steps = [step or "" for step in reported]
    assert all("loss" in step for step in steps)
    assert len(steps) == len(tuned.losses) == total_steps(learning.targets, FAST)
    assert steps[0].startswith("member 1 of 2, epoch 1 of 2, loss")
    assert steps[-1].startswith("all texts, epoch 2 of 2, loss")


def test_consistency_is_part_of_the_loss(
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
    with pytest.raises(
        DataError, match="only 0 negative, 3 positive texts; fine-tuning needs at least 20"
    ):
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
