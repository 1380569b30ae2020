"""From a torch network to the files that are sealed, and the proof that int8 says the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from modelseal import SealError
from pydantic import BaseModel, ConfigDict
from servicekit.files import DataError
from tokenizers import Tokenizer

from nlpinsight.backends.transformer import TransformerConfig, TransformerModel, load, pack
from nlpinsight.training.finetuning.base import Weights
from nlpinsight.training.finetuning.network import Network, load_classifier, load_tokenizer
from nlpinsight.training.finetuning.onnx_export import to_int8, to_onnx

__all__ = [
    "MAX_DISAGREEMENT",
    "Agreement",
    "Built",
    "QuantizationError",
    "build",
    "compare",
    "export_classifier",
]

Floats = npt.NDArray[np.float64]

MAX_DISAGREEMENT: Final = 0.02
"""The share of texts that int8 may label otherwise than fp32."""


class QuantizationError(SealError):
    """In int8 the network says something else too often."""


class Agreement(BaseModel):
    """How like each other two models answer.

    Attributes:
        texts: How many both were asked.
        disagreement: The share that they label differently.
        largest_difference: Of a probability.
        mean_difference: Of a probability.
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
        files: Of the int8 model.
        predictor: That model, loaded from the files.
        fp32: The same network before it was quantized.
        agreement: How like each other the two answer the texts they were compared on.
        weights: What it was fine-tuned from, or is.
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
        network: In the order of our labels.
        tokenizer: Its tokenizer.
        weights: Where it comes from.
        max_length: How many tokens it is to read.
        texts: To compare on, raw.

    Raises:
        QuantizationError: They disagree on clearly more than `MAX_DISAGREEMENT` of the texts.
        DataError: It cannot read so many tokens.
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
    # From the packed bytes, so that what is compared is what will be sealed.
    predictor, fp32 = load(files), load(pack(plain, described, single))
    agreement = compare(fp32.scores(texts), predictor.scores(texts))
    # Of few texts, some more may differ by chance: two standard errors.
    chance = 2 * (MAX_DISAGREEMENT * (1 - MAX_DISAGREEMENT) / agreement.texts) ** 0.5
    if agreement.disagreement > MAX_DISAGREEMENT + chance:
        raise QuantizationError(
            f"In int8 the model labels {agreement.disagreement:.1%} of {agreement.texts} texts "
            f"otherwise than in fp32; {MAX_DISAGREEMENT:.0%} is allowed.",
            remedy="Train it longer, or choose another base.",
        )
    return Built(files, predictor, fp32, agreement, weights)


def export_classifier(weights: Weights, *, max_length: int, texts: Sequence[str]) -> Built:
    """Build from a sequence classifier that somebody has fine-tuned already.

    Args:
        weights: The classifier.
        max_length: How many tokens it is to read.
        texts: To compare int8 with fp32 on, raw.

    Raises:
        DataError: Its classes are not ours, or it cannot be loaded.
        QuantizationError: In int8 it says something else too often.
    """
    return build(
        load_classifier(weights),
        load_tokenizer(weights),
        weights=weights,
        max_length=max_length,
        texts=texts,
    )


def compare(one: Floats, other: Floats) -> Agreement:
    """How like each other two tables of scores are."""
    gaps = np.abs(one - other)
    return Agreement(
        texts=len(one),
        disagreement=float((one.argmax(axis=1) != other.argmax(axis=1)).mean()),
        largest_difference=float(gaps.max()),
        mean_difference=float(gaps.mean()),
    )
