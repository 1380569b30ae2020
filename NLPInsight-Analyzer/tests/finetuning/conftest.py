"""What the tests that need torch share: one real fine-tuning, and a network too small to wait for.

Where torch is not installed, each test file here skips and says what installs it.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from nlpinsight.data.corpus import Corpus
from nlpinsight.sample import generate_sample
from nlpinsight.training.evaluate_and_seal import EvaluatedModel, evaluate_trained, seal
from nlpinsight.training.finetune_options import FinetuneOptions
from nlpinsight.training.trained_model import TrainedModel
from nlpinsight.training.weights import Weights, find_weights

if TYPE_CHECKING:
    from nlpinsight.training.finetuning.build import Built
    from nlpinsight.training.finetuning.finetune import Finetuned

MakeTiny = Callable[[int], TrainedModel]

_TINY: Final = {
    "vocab_size": 30_522,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
}


@pytest.fixture(scope="session")
def learning() -> Corpus:
    return generate_sample(360, seed=11)


@pytest.fixture(scope="session")
def unseen() -> Corpus:
    return generate_sample(120, seed=12)


@pytest.fixture(scope="session")
def weights() -> Weights:
    """The real base encoder."""
    return find_weights()


@pytest.fixture(scope="session")
def tuned(
    weights: Weights, learning: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> "Finetuned":
    """The real encoder, fine-tuned for about 40 steps."""
    from nlpinsight.training.finetuning.finetune import finetune

    options = FinetuneOptions(
        folds=2,
        epochs=2,
        batch_size=16,
        max_length=32,
        learning_rate=3e-4,
        consistency=0,
        threads=1,
    )
    work = tmp_path_factory.mktemp("tuned")
    return finetune(learning.texts, learning.labels, weights=weights, options=options, work=work)


@pytest.fixture(scope="session")
def single(tuned: "Finetuned") -> bytes:
    """The same, exported in fp32."""
    from nlpinsight.training.finetuning.onnx_export import to_onnx

    return to_onnx(tuned.network, max_length=tuned.options.max_length)


@pytest.fixture(scope="session")
def built(tuned: "Finetuned", unseen: Corpus) -> "Built":
    from nlpinsight.training.finetuning.build import build

    return build(
        tuned.network,
        tuned.tokenizer,
        weights=tuned.weights,
        max_length=tuned.options.max_length,
        texts=unseen.texts,
    )


@pytest.fixture(scope="session")
def tiny_weights(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """A BERT of two narrow layers with random weights, in a folder as transformers writes it."""
    import torch
    from transformers import BertConfig, BertModel  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    BertModel(BertConfig(**_TINY)).save_pretrained(folder)
    shutil.copy(weights.folder / "tokenizer.json", folder)
    return find_weights(str(folder))


@pytest.fixture(scope="session")
def tiny_classifier(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny sequence classifier whose classes have other names, in another order than ours."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("classifier")
    torch.manual_seed(1)
    config = BertConfig(**_TINY, id2label={0: "Bullish", 1: "Bearish", 2: "NEUTRAL"})
    BertForSequenceClassification(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(weights.folder / name, folder)
    return folder


@pytest.fixture(scope="session")
def make_tiny(
    tiny_weights: Weights,
    learning: Corpus,
    unseen: Corpus,
    tmp_path_factory: pytest.TempPathFactory,
) -> MakeTiny:
    """Train a tiny network with a seed, export it and quantize it."""

    def make(seed: int) -> TrainedModel:
        from nlpinsight.training.finetuning.train_transformer import train_transformer

        return train_transformer(
            learning,
            unseen,
            weights=tiny_weights,
            options=FinetuneOptions(
                folds=2,
                epochs=6,
                batch_size=16,
                max_length=32,
                learning_rate=3e-3,
                seed=seed,
                threads=1,
            ),
            work=tmp_path_factory.mktemp("work"),
        )

    return make


@pytest.fixture(scope="session")
def tiny_training(make_tiny: MakeTiny, unseen: Corpus) -> EvaluatedModel:
    return evaluate_trained(make_tiny(1), unseen, None)


@pytest.fixture(scope="session")
def tiny_sealed(tiny_training: EvaluatedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    seal(tiny_training, folder)
    return folder
