"""Networks that can be exported: two tensors in, one score per label out.

`finetune` trains `MeanPooled`: an encoder, the mean of its tokens, one linear layer. The mean, not
the first token, because sentence encoders were trained on it. `Classifier` is a sequence classifier
that was fine-tuned elsewhere.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import torch
from safetensors import SafetensorError
from servicekit.files import DataError
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils.logging import disable_progress_bar, enable_progress_bar

from nlpinsight.schema import LABELS, label_named
from nlpinsight.training.weights import Weights

_LOG: Final = logging.getLogger("transformers")

# Never run code from a folder of weights. Without this option, transformers asks on the terminal.
_AS_DATA: Final[dict[str, Any]] = {"local_files_only": True, "trust_remote_code": False}


class Network(nn.Module):
    """A network that can be trained, exported and compared.

    Attributes:
        padding: Token identifier of the padding of a batch.
        positions: Maximum number of tokens of a text.
    """

    padding: int
    positions: int

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Scores before softmax, in the order of `LABELS`."""
        raise NotImplementedError


class MeanPooled(Network):
    """An encoder with a linear layer on the mean of its tokens."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        config: Any = encoder.config
        self.padding, self.positions = _shape(config)
        self.encoder = encoder
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))
        self.head = nn.Linear(config.hidden_size, len(LABELS))
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Scores before softmax, in the order of `LABELS`."""
        read = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        states = read.last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * weights).sum(dim=1) / weights.sum(dim=1)
        scores: torch.Tensor = self.head(self.dropout(mean))
        return scores


class Classifier(Network):
    """A fine-tuned sequence classifier, with its classes in the order of `LABELS`."""

    def __init__(self, model: nn.Module, columns: tuple[int, ...]) -> None:
        super().__init__()
        self.padding, self.positions = _shape(model.config)
        self.model = model
        self.columns = list(columns)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Scores before softmax, in the order of `LABELS`."""
        answer = self.model(input_ids=input_ids, attention_mask=attention_mask)
        scores: torch.Tensor = answer.logits[:, self.columns]
        return scores


def load_encoder(weights: Weights) -> MeanPooled:
    """An encoder with a new head.

    Raises:
        DataError: It cannot be loaded.
    """
    with _loading(weights):
        encoder = _read(AutoModel, weights)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # unused
    return MeanPooled(encoder)


def load_classifier(weights: Weights) -> Classifier:
    """A fine-tuned classifier.

    Raises:
        DataError: It cannot be loaded, or its classes cannot be mapped to `LABELS`.
    """
    with _loading(weights):
        config = AutoConfig.from_pretrained(weights.folder, **_AS_DATA)
        columns = columns_of_labels(config.id2label, weights.name)
        return Classifier(_read(AutoModelForSequenceClassification, weights), columns)


def load_tokenizer(weights: Weights) -> Tokenizer:
    """The tokenizer as the service uses it: one file, without transformers."""
    path = weights.folder / "tokenizer.json"
    if path.is_file():
        return Tokenizer.from_file(str(path))
    with _loading(weights):
        slow = AutoTokenizer.from_pretrained(weights.folder, **_AS_DATA)
    backend = getattr(slow, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise DataError(
            f"The tokenizer of {weights.name} cannot be converted to tokenizer.json, which serving "
            "needs. Choose another model."
        )
    return backend


def columns_of_labels(names: Mapping[int, str], model: str) -> tuple[int, ...]:
    """The output column of each of `LABELS`.

    Raises:
        DataError: The model has other classes, or does not name them.
    """
    meant = {label_named(name): column for column, name in names.items()}
    if len(names) != len(LABELS) or set(meant) != set(LABELS):
        raise DataError(
            f"{model} has the classes {', '.join(map(repr, names.values()))}; they must "
            f"be {', '.join(LABELS)}, by name. Write id2label into its config.json if you know the "
            "order."
        )
    return tuple(meant[label] for label in LABELS)


def _read(kind: Any, weights: Weights) -> Any:  # noqa: ANN401 - transformers' factories are untyped
    # Only eager attention exports to plain operators.
    return kind.from_pretrained(
        weights.folder,
        **_AS_DATA,
        use_safetensors=True,
        dtype=torch.float32,
        attn_implementation="eager",
    )


@contextmanager
def _loading(weights: Weights) -> Iterator[None]:
    """Turn errors into DataErrors, and silence transformers' warning about the new head."""
    before = _LOG.level
    _LOG.setLevel(logging.ERROR)
    disable_progress_bar()
    try:
        yield
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise DataError(
            f"{weights.name} cannot be loaded from {weights.folder}: {error}. "
            "Give a model that transformers knows without code of its own."
        ) from error
    finally:
        enable_progress_bar()
        _LOG.setLevel(before)


def _shape(config: Any) -> tuple[int, int]:  # noqa: ANN401 - a configuration of any architecture
    # Two fewer, because some architectures count positions from after the padding.
    return int(config.pad_token_id or 0), int(config.max_position_embeddings) - 2
