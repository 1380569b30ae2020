"""Builds the files of a sealed model from a torch network, and checks its int8 version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from modelseal import SealError
from pydantic import BaseModel, ConfigDict
from servicekit.files import DataError
from tokenizers import Tokenizer

from nlpinsight.arrays import Float64Array
from nlpinsight.backends.transformer import TransformerConfig, TransformerModel, load, pack
from nlpinsight.training.finetuning.network import Network, load_classifier, load_tokenizer
from nlpinsight.training.finetuning.onnx_export import to_int8, to_onnx
from nlpinsight.training.weights import Weights

MAX_DISAGREEMENT: Final = 0.02
"""Maximum share of texts that int8 may label differently from fp32."""


class QuantizationError(SealError):
    """The int8 network answers differently too often."""


class Agreement(BaseModel):
    """Comparison of two models' answers.

    Attributes:
        texts: Number of compared texts.
        disagreement: Share of texts with different labels.
        largest_difference: Largest difference of a probability.
        mean_difference: Mean difference of a probability.
    """

    model_config = ConfigDict(frozen=True)

    texts: int
    disagreement: float
    largest_difference: float
    mean_difference: float


@dataclass(frozen=True)
class Built:
    """A transformer that can be sealed.

    Attributes:
        files: Files of the int8 model.
        predictor: The int8 model, loaded from the files.
        fp32: The same network before quantization.
        agreement: Comparison of the two.
        weights: The weights it was fine-tuned from, or the exported classifier.
    """

    files: dict[str, bytes]
    predictor: TransformerModel
    fp32: TransformerModel
    agreement: Agreement
    weights: Weights


def build(
    network: Network,
    tokenizer: Tokenizer,
    *,
    weights: Weights,
    max_length: int,
    texts: Sequence[str],
) -> Built:
    """Export a network, quantize it, and compare the two.

    Args:
        network: The network, with outputs in the order of `LABELS`.
        tokenizer: Its tokenizer.
        weights: Its origin.
        max_length: Maximum number of tokens of a text.
        texts: Raw texts to compare on.

    Raises:
        QuantizationError: They disagree on significantly more than `MAX_DISAGREEMENT` of the texts.
        DataError: The network cannot read so many tokens.
    """
    if max_length > network.positions:
        raise DataError(
            f"{weights.name} reads at most {network.positions} tokens, fewer than {max_length}. "
            "Ask for fewer (--max-length)."
        )
    tokenizer.no_padding()
    tokenizer.no_truncation()
    described = tokenizer.to_str()
    single = to_onnx(network, max_length=max_length)
    config = TransformerConfig(max_length=max_length, base=weights.name, quantization="int8")
    files = pack(config, described, to_int8(single))
    plain = config.model_copy(update={"quantization": "none"})
    # From the packed bytes, so that the compared model is the one that will be sealed.
    predictor, fp32 = load(files), load(pack(plain, described, single))
    agreement = compare(fp32.scores(texts), predictor.scores(texts))
    # Of few texts, more may differ by chance: two standard errors are allowed.
    chance = 2 * (MAX_DISAGREEMENT * (1 - MAX_DISAGREEMENT) / agreement.texts) ** 0.5
    if agreement.disagreement > MAX_DISAGREEMENT + chance:
        raise QuantizationError(
            f"In int8 the model labels {agreement.disagreement:.1%} of {agreement.texts} texts "
            f"differently from fp32; {MAX_DISAGREEMENT:.0%} is allowed.",
            remedy="Train it longer, or choose another base.",
        )
    return Built(files, predictor, fp32, agreement, weights)


def export_classifier(weights: Weights, *, max_length: int, texts: Sequence[str]) -> Built:
    """Build from a sequence classifier that was fine-tuned elsewhere.

    Args:
        weights: The classifier.
        max_length: Maximum number of tokens of a text.
        texts: Raw texts to compare int8 with fp32 on.

    Raises:
        DataError: Its classes differ from `LABELS`, or it cannot be loaded.
        QuantizationError: The int8 network answers differently too often.
    """
    return build(
        load_classifier(weights),
        load_tokenizer(weights),
        weights=weights,
        max_length=max_length,
        texts=texts,
    )


def compare(one: Float64Array, other: Float64Array) -> Agreement:
    """Compare two tables of scores (texts x labels)."""
    gaps = np.abs(one - other)
    return Agreement(
        texts=len(one),
        disagreement=float((one.argmax(axis=1) != other.argmax(axis=1)).mean()),
        largest_difference=float(gaps.max()),
        mean_difference=float(gaps.mean()),
    )
