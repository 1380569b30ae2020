"""The transformer back end: an int8 ONNX network behind a tokenizer, and no torch.

Each text is computed on its own. Dynamic quantization takes the range of its integers from all
that is computed together, so in a batch a text's scores would depend on its neighbours, and on one
thread a batch is no faster than its texts one by one (``make bench`` measures it). Alone, a text
gets the same scores whatever else is asked, bit for bit.

A network that was fine-tuned here answers together with a linear model
(`nlpinsight.backends.pooling`).

A text is normalised, cut at `MAX_CHARACTERS`, tokenized, and cut at the tokens that the model was
trained with. What was left out is told with the answer.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from modelseal import GoldenValue
from pydantic import Field, JsonValue
from tokenizers import Encoding, Tokenizer

from nlpinsight import model as protocol
from nlpinsight.backends.calibration import Calibrator
from nlpinsight.backends.pooling import Pool
from nlpinsight.backends.seen_tokens import SeenTokens
from nlpinsight.model import CONFIG, ModelConfig, Reading, calibrated
from nlpinsight.schema import LABELS, Backend
from nlpinsight.text.normalisation import normalise_all

__all__ = [
    "MAX_CHARACTERS",
    "MODEL",
    "TOKENIZER",
    "TransformerConfig",
    "TransformerModel",
    "load",
    "pack",
]

Floats = npt.NDArray[np.float64]

MODEL: Final = "model.onnx"
TOKENIZER: Final = "tokenizer.json"

MAX_CHARACTERS: Final = 20_000
"""How much of a normalised text is tokenized at all.

A request cannot hold more; a text from elsewhere can. No model here reads 512 tokens beyond it,
unless a text is made of words that run over many lines.
"""

# Where the integers of a network fall at the edge between two values, another processor's rounding
# moves a probability by about this much.
_TOLERANCE: Final = 0.02


class TransformerConfig(ModelConfig):
    """What a transformer's ``config.json`` says.

    Attributes:
        max_length: How many tokens the network reads, marks of beginning and end included.
        base: The weights that it was fine-tuned from, or that it is.
        quantization: How its weights are stored.
    """

    backend: Literal["transformer"] = "transformer"
    max_length: int = Field(ge=8, le=512)
    base: str
    quantization: Literal["int8", "none"]


class TransformerModel:
    """Answers texts. May be used by several threads at once.

    Args:
        config: What the model says of itself.
        tokenizer: Its tokenizer, as JSON.
        network: The network, as ONNX.
        seen: The words that its fine-tuning saw; None where that is not known, as of a model that
            somebody else fine-tuned.
        calibrator: What makes probabilities of its decisions; None in the same case.
        pool: A linear model that answers with it; None where the network answers alone.

    Attributes:
        config: The same.
    """

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
        self._calibrator = calibrator
        self._pool = pool
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(config.max_length)
        self._marks = len(self._tokenizer.encode("").ids)
        self._session = ort.InferenceSession(
            network, _session_options(), providers=["CPUExecutionProvider"]
        )

    @property
    def backend(self) -> Backend:
        """Which back end this is."""
        return "transformer"

    @property
    def tolerance(self) -> float:
        """How far a score may move between machines while the model is still the same one."""
        return _TOLERANCE

    @property
    def calibrator(self) -> Calibrator | None:
        """What makes probabilities of decisions."""
        return self._calibrator

    def scores(self, texts: Sequence[str]) -> Floats:
        """The probability of each class, in the order of `LABELS`: one row per text."""
        return self.answer(texts)[0]

    def answer(self, texts: Sequence[str]) -> tuple[Floats, list[Reading]]:
        """The scores, and how much of each text they rest on."""
        decisions, readings = self.decide(texts)
        return calibrated(decisions, readings, self._calibrator), readings

    def decide(self, texts: Sequence[str]) -> tuple[Floats, list[Reading]]:
        """Decisions before softmax, and how much of each text they rest on."""
        decisions = np.empty((len(texts), len(LABELS)), dtype=np.float64)
        readings = []
        for row, text in enumerate(normalise_all(texts)):
            encoding = self._tokenizer.encode(text[:MAX_CHARACTERS])
            decisions[row] = self._decisions(encoding, text)
            readings.append(self._reading(encoding, text))
        return decisions, readings

    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        """What is read of each text, normalised and cut behind its last token that is read."""
        cut, readings = [], []
        for text in normalise_all(texts):
            encoding = self._tokenizer.encode(text[:MAX_CHARACTERS])
            cut.append(_read_part(encoding, text))
            readings.append(self._reading(encoding, text))
        return cut, readings

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden inputs by every path that a service may take."""
        return protocol.replay(self, inputs)

    def _decisions(self, encoding: Encoding, text: str) -> Floats:
        logits = self._logits(encoding)
        if self._pool is None:
            return logits
        return self._pool.decide(_read_part(encoding, text), logits)

    def _logits(self, encoding: Encoding) -> Floats:
        feed = {
            "input_ids": np.array([encoding.ids], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
        }
        [logits] = self._session.run(["logits"], feed)
        return np.asarray(logits[0], dtype=np.float64)

    def _reading(self, encoding: Encoding, text: str) -> Reading:
        """Count tokens without the marks of beginning and end, which stand for no text."""
        used = len(encoding.ids) - self._marks
        total = used + sum(len(rest.ids) - self._marks for rest in encoding.overflowing)
        if len(text) > MAX_CHARACTERS:
            # What lies behind was not tokenized; that there is something is what must be told.
            total = max(total + 1, round(total * len(text) / MAX_CHARACTERS))
        known = None if self._seen is None else self._seen.share(text, encoding)
        return Reading(unit="tokens", used=used, total=total, in_vocabulary=known)


def load(files: Mapping[str, bytes]) -> TransformerModel:
    """Make a model of the verified files of a sealed one."""
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
    """The files of a model, by name: what is sealed and what `load` reads.

    Args:
        config: What the model says of itself.
        tokenizer: Its tokenizer, as JSON.
        network: The network, as ONNX.
    """
    return {
        CONFIG: json.dumps(config.model_dump(mode="json"), indent=2).encode(),
        TOKENIZER: tokenizer.encode(),
        MODEL: network,
    }


def _read_part(encoding: Encoding, text: str) -> str:
    """A normalised text as far as its tokens are read."""
    return text[: max(end for _, end in encoding.offsets)]


def _session_options() -> ort.SessionOptions:
    """One thread per call: a service answers many at once, and its workers are the parallelism."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Texts differ in length: plans for one length would be made anew, and kept, for each.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options
