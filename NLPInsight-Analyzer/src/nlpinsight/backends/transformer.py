"""The transformer back end: a tokenizer and an int8 ONNX network, without torch.

Each text is computed alone. Dynamic quantization derives the range of its integers from the whole
batch, so in a batch a text's scores would depend on its neighbours; and on one thread, a batch is
no faster (``make bench`` measures it). Alone, a text always gets the same scores, bit for bit.

A network that was fine-tuned here answers together with a linear model
(`nlpinsight.backends.pooling`).

A text is normalised, cut at `MAX_CHARACTERS`, tokenized, and cut at the number of tokens that the
model was trained with. Answers say how much was left out.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
import onnxruntime as ort
from pydantic import Field
from tokenizers import Encoding, Tokenizer

from nlpinsight.arrays import Float64Array
from nlpinsight.backends.calibration import Calibrator
from nlpinsight.backends.pooling import Pool
from nlpinsight.backends.seen_tokens import SeenTokens
from nlpinsight.model import CONFIG, ModelConfig, Reading, SentimentModel
from nlpinsight.schema import LABELS, Backend
from nlpinsight.text.normalisation import normalise_all

MODEL: Final = "model.onnx"
TOKENIZER: Final = "tokenizer.json"

MAX_CHARACTERS: Final = 20_000
"""Maximum number of characters of a normalised text that are tokenized.

Requests cannot hold more, texts of files can. 512 tokens are shorter, unless words run over many
lines.
"""


class TransformerConfig(ModelConfig):
    """``config.json`` of this back end.

    Attributes:
        max_length: Maximum number of tokens, marks of beginning and end included.
        base: Name of the weights that it was fine-tuned from, or of the exported classifier.
        quantization: Storage format of its weights.
    """

    backend: Literal["transformer"] = "transformer"
    max_length: int = Field(ge=8, le=512)
    base: str
    quantization: Literal["int8", "none"]


class TransformerModel(SentimentModel):
    """A loaded model of this back end. Threads may share it.

    Args:
        config: Its configuration.
        tokenizer: Its tokenizer, as JSON.
        network: The network, as ONNX.
        seen: The words of its fine-tuning; None if it was fine-tuned elsewhere.
        calibrator: Converts decisions to probabilities; None in the same case.
        pool: A linear model that answers with it; None if the network answers alone.
    """

    backend: Backend = "transformer"
    # How far another processor's rounding at the edge between two integers moves a probability.
    tolerance = 0.02

    def __init__(
        self,
        config: TransformerConfig,
        tokenizer: bytes,
        network: bytes,
        *,
        seen: SeenTokens | None = None,
        calibrator: Calibrator | None = None,
        pool: Pool | None = None,
    ) -> None:
        self.config = config
        self._seen = seen
        self.calibrator = calibrator
        self._pool = pool
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(config.max_length)
        self._marks = len(self._tokenizer.encode("").ids)
        self._session = ort.InferenceSession(
            network, _session_options(), providers=["CPUExecutionProvider"]
        )

    def decide(self, texts: Sequence[str]) -> tuple[Float64Array, list[Reading]]:
        """The decisions before softmax and calibration (texts x labels), and what was read."""
        decisions = np.empty((len(texts), len(LABELS)), dtype=np.float64)
        readings = []
        for row, text in enumerate(normalise_all(texts)):
            encoding = self._tokenizer.encode(text[:MAX_CHARACTERS])
            decisions[row] = self._decision(encoding, text)
            readings.append(self._reading(encoding, text))
        return decisions, readings

    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        """The part of each text that the model reads, normalised, and its extent."""
        cut, readings = [], []
        for text in normalise_all(texts):
            encoding = self._tokenizer.encode(text[:MAX_CHARACTERS])
            cut.append(_read_part(encoding, text))
            readings.append(self._reading(encoding, text))
        return cut, readings

    def _decision(self, encoding: Encoding, text: str) -> list[float]:
        logits = self._logits(encoding)
        if self._pool is None:
            return logits
        return self._pool.decide(_read_part(encoding, text), logits)

    def _logits(self, encoding: Encoding) -> list[float]:
        feed = {
            "input_ids": np.array([encoding.ids], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
        }
        [logits] = self._session.run(["logits"], feed)
        found: list[float] = logits[0].tolist()
        return found

    def _reading(self, encoding: Encoding, text: str) -> Reading:
        """Count tokens without the marks of beginning and end."""
        used = len(encoding.ids) - self._marks
        total = used + sum(len(rest.ids) - self._marks for rest in encoding.overflowing)
        if len(text) > MAX_CHARACTERS:
            # The rest was not tokenized; its length is estimated.
            total = max(total + 1, round(total * len(text) / MAX_CHARACTERS))
        known = None if self._seen is None else self._seen.share(text, encoding)
        return Reading(unit="tokens", used=used, total=total, in_vocabulary=known)


def load(files: Mapping[str, bytes]) -> TransformerModel:
    """Make a model from the verified files of a sealed model."""
    config = TransformerConfig.model_validate_json(files[CONFIG])
    return TransformerModel(
        config,
        files[TOKENIZER],
        files[MODEL],
        seen=SeenTokens.read_from(files),
        calibrator=Calibrator.read_from(files),
        pool=Pool.read_from(files),
    )


def pack(config: TransformerConfig, tokenizer: str, network: bytes) -> dict[str, bytes]:
    """The files of a model by name, for `modelseal.seal` and `load`.

    Args:
        config: Its configuration.
        tokenizer: Its tokenizer, as JSON.
        network: The network, as ONNX.
    """
    return {
        CONFIG: json.dumps(config.model_dump(mode="json"), indent=2).encode(),
        TOKENIZER: tokenizer.encode(),
        MODEL: network,
    }


def _read_part(encoding: Encoding, text: str) -> str:
    """The part of a normalised text that its tokens cover."""
    return text[: max(end for _, end in encoding.offsets)]


def _session_options() -> ort.SessionOptions:
    """One thread per call, because a service answers many requests at once."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Texts differ in length, and memory plans would be kept for every length.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options
