import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs: make train-env-NLPInsight-Analyzer")

import onnx
import onnxruntime as ort
import torch
from nlpinsight.backends.transformer import MODEL
from nlpinsight.data.corpus import Corpus
from nlpinsight.evaluation.metrics import measure
from nlpinsight.schema import LABELS
from nlpinsight.training.finetuning import build as building
from nlpinsight.training.finetuning.build import (
    Built,
    QuantizationError,
    build,
    compare,
    export_classifier,
)
from nlpinsight.training.finetuning.finetune import Finetuned
from nlpinsight.training.finetuning.network import (
    columns_of_labels,
    load_classifier,
    load_encoder,
    load_tokenizer,
)
from nlpinsight.training.finetuning.onnx_export import OPSET, to_int8, to_onnx
from nlpinsight.training.weights import Weights, find_weights
from servicekit.files import DataError
from transformers import pipeline


@pytest.mark.parametrize("length", [2, 3, 9, 32])
@pytest.mark.parametrize("texts", [1, 5])
def test_onnx_computes_what_torch_computes(
    texts: int, length: int, single: bytes, tuned: Finetuned
) -> None:
    random = np.random.default_rng(length)
    tokens = random.integers(1000, 30_000, (texts, length))
    mask = np.ones_like(tokens)
    mask[-1, 2:] = 0
    [found] = ort.InferenceSession(single).run(
        ["logits"], {"input_ids": tokens, "attention_mask": mask}
    )
    with torch.inference_mode():
        expected = tuned.network(torch.from_numpy(tokens), torch.from_numpy(mask)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_padding_changes_nothing(single: bytes) -> None:
    session = ort.InferenceSession(single)
    tokens = np.array([[101, 2000, 3000, 102]])
    padded = np.array([[101, 2000, 3000, 102, 0, 0, 0]])
    [alone] = session.run(None, {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
    [wide] = session.run(
        None, {"input_ids": padded, "attention_mask": np.array([[1, 1, 1, 1, 0, 0, 0]])}
    )
    np.testing.assert_allclose(alone, wide, atol=1e-5)


def test_the_operators_are_of_the_pinned_version(single: bytes) -> None:
    versions = {one.domain: one.version for one in onnx.load_from_string(single).opset_import}
    assert versions == {"": OPSET}


def test_no_file_says_where_it_was_made(single: bytes, built: Built) -> None:
    for contents in (single, *built.files.values()):
        assert not re.search(rb"site-packages|network\.py|/src/", contents)


def test_the_same_network_gives_the_same_bytes(tiny_weights: Weights) -> None:
    torch.manual_seed(3)
    network = load_encoder(tiny_weights)
    once, again = to_onnx(network, max_length=32), to_onnx(network, max_length=32)
    assert once == again
    assert to_int8(once) == to_int8(again)


def test_int8_answers_as_fp32_and_as_torch_learned(built: Built, unseen: Corpus) -> None:
    assert built.agreement.texts == len(unseen)
    assert built.agreement.disagreement <= 0.05  # of 120 texts and 40 steps of training
    assert built.agreement.mean_difference < 0.02
    metrics = measure(unseen.targets, built.predictor.scores(unseen.texts))
    assert metrics.accuracy > metrics.majority + 0.15


def test_int8_is_a_quarter_of_the_size(built: Built, single: bytes) -> None:
    assert len(built.files[MODEL]) < 0.3 * len(single)


def test_int8_that_says_something_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, tuned: Finetuned, unseen: Corpus
) -> None:
    def spoilt(single: bytes) -> bytes:
        """Another head, as if quantization had gone wrong."""
        model = onnx.load_from_string(single)
        for one in model.graph.initializer:
            if one.name == "head.weight":
                head = onnx.numpy_helper.to_array(one)
                one.CopyFrom(onnx.numpy_helper.from_array(-head, one.name))
        changed: bytes = model.SerializeToString()
        return changed

    monkeypatch.setattr(building, "to_int8", spoilt)
    with pytest.raises(QuantizationError, match=r"differently from fp32; 2% is allowed"):
        build(
            tuned.network,
            tuned.tokenizer,
            weights=tuned.weights,
            max_length=32,
            texts=unseen.texts,
        )


def test_disagreement_is_counted_by_label() -> None:
    one = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]])
    other = np.array([[0.4, 0.5, 0.1], [0.2, 0.6, 0.2]])
    found = compare(one, other)
    assert found.disagreement == 0.5
    assert found.largest_difference == pytest.approx(0.2)
    assert found.mean_difference == pytest.approx(0.1)


def test_a_classifier_of_others_keeps_its_meaning(tiny_classifier: Path, unseen: Corpus) -> None:
    built = export_classifier(find_weights(str(tiny_classifier)), max_length=64, texts=unseen.texts)
    names = {"Bullish": "positive", "Bearish": "negative", "NEUTRAL": "neutral"}
    theirs = pipeline("text-classification", model=str(tiny_classifier), top_k=None)
    texts = [text.split(" http")[0] for text in unseen.texts[:20]]
    for text, answer, row in zip(texts, theirs(texts), built.fp32.scores(texts), strict=True):
        expected = {names[one["label"]]: one["score"] for one in answer}
        assert dict(zip(LABELS, row.tolist(), strict=True)) == pytest.approx(expected, abs=1e-5), (
            text
        )


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        ({0: "negative", 1: "neutral", 2: "positive"}, (0, 1, 2)),
        ({0: "positive", 1: "negative", 2: "neutral"}, (1, 2, 0)),
        ({0: "Bearish", 1: "Bullish", 2: "Neutral"}, (0, 2, 1)),
        ({2: " NEG", 0: "Pos", 1: "NEU"}, (2, 1, 0)),
    ],
)
def test_classes_are_found_by_their_names(
    names: dict[int, str], columns: tuple[int, int, int]
) -> None:
    assert columns_of_labels(names, "any") == columns


@pytest.mark.parametrize(
    "names",
    [
        {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"},
        {0: "negative", 1: "positive"},
        {0: "negative", 1: "negative", 2: "positive"},
        {0: "negative", 1: "neg", 2: "positive"},
        {0: "joy", 1: "anger", 2: "fear", 3: "love"},
        {0: "negative", 1: "neutral", 2: "positive", 3: "mixed"},
    ],
)
def test_classes_that_are_not_ours_are_refused_by_name(names: dict[int, str]) -> None:
    with pytest.raises(DataError, match=r"they must be negative, neutral, positive, by name"):
        columns_of_labels(names, "some/model")


def test_a_folder_that_transformers_cannot_load_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "nothing-known"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(DataError, match="Give a model that transformers knows"):
        load_encoder(find_weights(str(tmp_path)))


@pytest.mark.parametrize("load", [load_encoder, load_classifier, load_tokenizer])
def test_code_in_a_folder_is_neither_run_nor_asked_about(
    load: Callable[[Weights], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, asked = tmp_path / "ran", []
    for name in ("configuration_own", "modeling_own", "tokenization_own"):
        (tmp_path / f"{name}.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: ...\n")
    classes = {
        "AutoConfig": "configuration_own.Own",
        "AutoModel": "modeling_own.Own",
        "AutoModelForSequenceClassification": "modeling_own.Own",
        "AutoTokenizer": ["tokenization_own.Own", None],
    }
    config = json.dumps({"model_type": "own", "auto_map": classes, "tokenizer_class": "Own"})
    for name in ("config.json", "tokenizer_config.json"):
        (tmp_path / name).write_text(config)
    (tmp_path / "model.safetensors").write_bytes(b"")

    def answer(question: str = "") -> str:
        asked.append(question)
        return "y"

    monkeypatch.setattr("builtins.input", answer)

    with pytest.raises(DataError, match="Give a model that transformers knows without code"):
        load(find_weights(str(tmp_path)))

    assert not asked
    assert not ran.exists()


def test_more_tokens_than_a_classifier_reads_are_refused(tiny_classifier: Path) -> None:
    with pytest.raises(DataError, match=r"reads at most 64 tokens.*--max-length"):
        export_classifier(find_weights(str(tiny_classifier)), max_length=65, texts=["a"])


def test_a_tokenizer_without_its_file_is_made_from_its_vocabulary(
    tmp_path: Path, weights: Weights
) -> None:
    for name in ("config.json", "vocab.txt", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((weights.folder / name).read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"not looked at")
    text = "$ACME beats by 5%"
    made, read = load_tokenizer(find_weights(str(tmp_path))), load_tokenizer(weights)
    read.no_padding()
    assert made.encode(text).ids == read.encode(text).ids
