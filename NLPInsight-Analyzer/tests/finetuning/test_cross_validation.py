"""What a recipe is worth is measured on texts that its models did not learn from."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs: make train-env-NLPInsight-Analyzer")

import torch
from nlpinsight.backends.pooling import pooled
from nlpinsight.cli import app
from nlpinsight.data.corpus import Corpus
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.finetune_options import FinetuneOptions
from nlpinsight.training.finetuning.batches import tokenize
from nlpinsight.training.finetuning.computing import logits
from nlpinsight.training.finetuning.cross_validation import CrossValidation, cross_validate
from nlpinsight.training.finetuning.finetune import finetune
from nlpinsight.training.finetuning.members import deal_folds, figures_of
from nlpinsight.training.finetuning.pool_fit import fit_pool
from nlpinsight.training.weights import Weights
from typer.testing import CliRunner

OPTIONS = FinetuneOptions(
    folds=2, epochs=1, batch_size=32, max_length=16, learning_rate=3e-3, threads=1
)


@pytest.fixture(scope="module")
def measured(
    tiny_weights: Weights, learning: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> CrossValidation:
    return cross_validate(
        learning.texts,
        learning.labels,
        weights=tiny_weights,
        options=OPTIONS,
        folds=3,
        measured=2,
        work=tmp_path_factory.mktemp("cross-validation"),
    )


def test_each_fold_is_answered_by_the_model_of_all_other_texts(
    measured: CrossValidation, tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    fold = deal_folds(learning.targets, 3, seed=OPTIONS.seed)[1]
    inside = [row for row in range(len(learning)) if row not in fold]
    tuned = finetune(
        [learning.texts[row] for row in inside],
        [learning.labels[row] for row in inside],
        weights=tiny_weights,
        options=OPTIONS,
        work=tmp_path,
    )
    texts = normalise_all([learning.texts[row] for row in fold])
    tokens = tokenize(tuned.tokenizer, texts, OPTIONS.max_length)

    second = measured.results[1]

    assert [result.number for result in measured.results] == [1, 2]
    assert second.learned_from == len(inside) == 240
    assert second.network == figures_of(learning.targets[fold], logits(tuned.network, tokens))
    pool = fit_pool([learning.texts[row] for row in inside], learning.targets[inside], tuned).pool
    both = pooled(logits(tuned.network, tokens), pool.linear.decide(texts)[0], pool.weight)
    assert second.model == figures_of(learning.targets[fold], both)
    assert second.linear_weight == pool.weight
    one, other = tuned.member_weights
    middle = {name: torch.lerp(one[name], other[name], 0.5) for name in one}
    said = []
    for state in (one, other, middle):
        tuned.network.load_state_dict(state)
        said.append(logits(tuned.network, tokens))
    assert second.members == [figures_of(learning.targets[fold], each) for each in said[:2]]
    assert second.mean_of_decisions == figures_of(learning.targets[fold], (said[0] + said[1]) / 2)
    assert second.mean_of_weights.log_loss == pytest.approx(
        figures_of(learning.targets[fold], said[2]).log_loss, abs=1e-4
    )


def test_figures_are_those_of_the_decisions() -> None:
    decisions = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 1.0]])

    figures = figures_of(np.array([0, 1, 2, 2]), decisions)

    losses = [np.log(np.exp(2) + 2) - 2, np.log(np.e + 2) - 1, np.log(np.exp(3) + 2)]
    assert (figures.texts, figures.accuracy) == (4, 0.75)
    assert figures.macro_f1 == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert figures.log_loss == pytest.approx((losses[0] + 2 * losses[1] + losses[2]) / 4)


def test_every_row_is_in_one_fold_with_its_share_of_every_label(learning: Corpus) -> None:
    folds = deal_folds(learning.targets, 4, seed=3)

    assert sorted(np.concatenate(folds)) == list(range(len(learning)))
    for fold in folds:
        shares = np.bincount(learning.targets[fold], minlength=3) / len(fold)
        everywhere = np.bincount(learning.targets, minlength=3) / len(learning)
        np.testing.assert_allclose(shares, everywhere, atol=0.02)


def test_the_command_writes_its_results(
    learning: Corpus, tiny_weights: Weights, tmp_path: Path
) -> None:
    data, out = tmp_path / "data.jsonl", tmp_path / "new" / "found.json"
    # The first text again: a repetition, which would be in two folds.
    rows = [*zip(learning.texts, learning.labels, strict=True)]
    lines = [json.dumps({"text": text, "label": label}) for text, label in [*rows, rows[0]]]
    data.write_text("\n".join(lines))
    arguments = [
        *("cross-validate", "--data", data, "--base", tiny_weights.folder, "--out", out),
        *("--outer-folds", 2, "--measured", 1, "--folds", 2, "--epochs", 1, "--consistency", 0.5),
        *("--max-length", 16, "--precision", "float32", "--threads", 1, "--work", tmp_path / "w"),
    ]

    result = CliRunner().invoke(app, [str(one) for one in arguments])

    assert result.exit_code == 0, result.output
    found = CrossValidation.model_validate_json(out.read_text())
    assert (found.folds, found.base) == (2, tiny_weights.sha256)
    assert (found.options["epochs"], found.options["consistency"]) == (1, 0.5)
    [fold] = found.results
    assert fold.learned_from + fold.model.texts == len(set(map(str.casefold, learning.texts)))
    assert f"fold 1: accuracy {fold.model.accuracy:.4f}" in result.output
    assert f"Wrote {out}" in result.output
