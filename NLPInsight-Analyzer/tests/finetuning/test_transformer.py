"""The transformer as it is served: sealed, opened, asked."""

import hashlib
import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs: make train-env-NLPInsight-Analyzer")

from modelseal import SealedModelError, SealError, open_sealed, seal
from nlpinsight.backends.transformer import MAX_CHARACTERS, MODEL, TransformerModel
from nlpinsight.data.corpus import Corpus
from nlpinsight.explain import OCCLUSION, explain
from nlpinsight.golden import make_golden_set
from nlpinsight.model import load
from nlpinsight.schema import LABELS
from nlpinsight.text.normalisation import EmptyTextError
from nlpinsight.training.evaluate_and_seal import EvaluatedModel, evaluate_trained
from nlpinsight.training.finetuning.build import Built
from nlpinsight.training.trained_model import TrainedModel
from servicekit.testing import LiveService

TEXTS = (
    "Acme beats estimates",
    "Acme cuts its outlook and lays off 400 people, shares plunge to a two-year low",
    "$AAPL",
    "利益が大幅に増加した",
    "?",
)


@pytest.fixture(scope="module")
def served(built: Built) -> TransformerModel:
    """The real encoder, in int8."""
    return built.predictor


def test_a_text_gets_the_same_scores_in_any_batch(served: TransformerModel) -> None:
    alone = np.concatenate([served.scores([text]) for text in TEXTS])
    np.testing.assert_array_equal(served.scores(TEXTS), alone)
    np.testing.assert_array_equal(served.scores(TEXTS[::-1])[::-1], alone)
    np.testing.assert_array_equal(served.scores([*TEXTS, "much " * 500])[: len(TEXTS)], alone)


def test_scores_are_probabilities(served: TransformerModel, unseen: Corpus) -> None:
    scores = served.scores(unseen.texts)
    assert scores.shape == (len(unseen), len(LABELS))
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-12)
    assert (scores > 0).all()


def test_many_threads_get_the_answers_that_one_gets(served: TransformerModel) -> None:
    expected = served.scores(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: served.scores(TEXTS), range(40)):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("words", "used"), [(1, 1), (30, 30), (31, 30), (500, 30)])
def test_how_much_was_read_is_told_in_tokens_of_the_text(
    words: int, used: int, served: TransformerModel
) -> None:
    _, [reading] = served.answer(["profit " * words])
    assert reading.unit == "tokens"
    assert (reading.used, reading.total) == (used, words)  # of 32, two mark beginning and end
    assert reading.truncated == (words > 30)


def test_text_after_the_cut_changes_nothing(served: TransformerModel) -> None:
    start = "shares rally after a strong quarter " * 20
    np.testing.assert_array_equal(
        served.scores([start + "but then everything collapsed"]), served.scores([start])
    )


@pytest.mark.parametrize("text", ["profit " * 150_000, "x" * 1_000_000, "\u0635" * 500_000])
def test_a_text_of_a_megabyte_is_cut_and_said_to_be(text: str, served: TransformerModel) -> None:
    scores, [reading] = served.answer([text])
    np.testing.assert_array_equal(scores, served.scores([text[:MAX_CHARACTERS]]))
    assert reading.truncated
    assert reading.used <= 30


def test_forms_of_the_same_text_get_the_same_scores(served: TransformerModel) -> None:
    text = "Société Générale: bénéfice ﬁnancier élevé \uff15\uff10\uff05"
    expected = served.scores([text])
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        np.testing.assert_array_equal(
            served.scores([unicodedata.normalize(form, text)]),
            expected,
        )
    hidden = text.replace("é", "é\u200b").replace(" ", " \x00 ") + " https://t.co/abc"
    np.testing.assert_array_equal(served.scores([hidden]), expected)


def test_lone_surrogates_are_read_as_spaces(served: TransformerModel) -> None:
    np.testing.assert_array_equal(served.scores(["up\ud800now"]), served.scores(["up now"]))


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u2060", "https://t.co/abc"])
def test_a_text_without_content_is_refused(text: str, served: TransformerModel) -> None:
    with pytest.raises(EmptyTextError, match="Text 1 has nothing to judge"):
        served.scores(["up", text])


def test_an_explanation_has_the_effect_of_each_word(served: TransformerModel) -> None:
    text = "Acme beats estimates and raises its outlook"
    answer = explain(served, text)
    value = float(served.scores([text]).max())
    without = float(served.scores([text.replace("beats ", "")])[0, LABELS.index(answer.label)])
    assert answer.method == OCCLUSION
    assert [word.word for word in answer.words] == text.split()
    assert answer.words[1].contribution == pytest.approx(value - without)


def test_words_that_were_not_read_are_neither_explained_nor_read_instead(
    served: TransformerModel,
) -> None:
    start = "shares rally after a strong quarter " * 5  # 30 tokens: all that this model reads
    answer = explain(served, start + "but then everything collapsed")
    assert answer.truncated
    assert answer.text == start.strip()
    assert answer.words == explain(served, start).words
    assert not explain(served, start).truncated


PREDICT = """
import sys
from pathlib import Path
from modelseal import open_sealed
scores = open_sealed(Path(sys.argv[1])).predictor.scores(["Acme beats estimates"])
print(",".join(map(repr, scores[0].tolist())))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_a_sealed_model_is_opened_and_asked_without_torch(
    tiny_sealed: Path, tiny_training: EvaluatedModel
) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PREDICT, tiny_sealed],
        capture_output=True,
        text=True,
        check=True,
    )
    scores, modules = ran.stdout.splitlines()
    expected = tiny_training.model.scores(["Acme beats estimates"])[0].tolist()
    assert [float(one) for one in scores.split(",")] == expected
    assert {"onnxruntime", "tokenizers"} <= set(modules.split())
    assert not set(modules.split()) & {"torch", "transformers", "onnx", "sklearn", "scipy"}


def test_the_libraries_that_answer_are_guarded(tiny_sealed: Path) -> None:
    manifest = open_sealed(tiny_sealed).manifest
    guarded = {name for name, one in manifest.environment.items() if one.guarded}
    assert {"numpy", "onnxruntime", "tokenizers", "nlpinsight"} <= guarded
    assert not guarded & {"torch", "transformers", "scikit-learn", "scipy"}


def test_the_seal_records_how_the_model_was_made(tiny_sealed: Path) -> None:
    parameters = open_sealed(tiny_sealed).manifest.parameters
    assert parameters["backend"] == "transformer"
    assert len(str(parameters["base_sha256"])) == 64
    read_by = parameters["base_reading_sha256"]
    assert isinstance(read_by, dict)
    assert set(read_by) == {"config.json", "tokenizer.json"}
    assert parameters["seed"] == 1


@pytest.fixture(scope="module")
def other(make_tiny: Callable[[int], TrainedModel], unseen: Corpus) -> EvaluatedModel:
    """The same training but for its seed."""
    return evaluate_trained(make_tiny(2), unseen, None)


def test_another_network_is_not_sealed_under_these_answers(
    tiny_training: EvaluatedModel, other: EvaluatedModel, tmp_path: Path
) -> None:
    swapped = {**tiny_training.trained.files, MODEL: other.trained.files[MODEL]}
    with pytest.raises(SealError):
        seal(
            tmp_path / "model",
            name="nlpinsight",
            version="1",
            loader="nlpinsight",
            files=swapped,
            golden=make_golden_set(tiny_training.model),
            data={},
            metrics={},
            parameters={},
        )
    assert not (tmp_path / "model").exists()


def test_a_network_that_was_swapped_behind_the_digests_is_caught_by_its_answers(
    tiny_sealed: Path, other: EvaluatedModel, tmp_path: Path
) -> None:
    """Somebody rewrote the manifest, so that every digest is right again."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in tiny_sealed.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    network = other.trained.files[MODEL]
    (folder / MODEL).write_bytes(network)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][MODEL] = {
        "sha256": hashlib.sha256(network).hexdigest(),
        "size": len(network),
    }
    manifest["seal"] = "0" * 64
    blank = json.dumps(manifest).encode()
    sealed = blank.replace(b"0" * 64, hashlib.sha256(blank).hexdigest().encode(), 1)
    (folder / "manifest.json").write_bytes(sealed)
    with pytest.raises(SealedModelError) as refused:
        open_sealed(folder)
    assert refused.value.code == "golden"


def test_the_same_network_in_fp32_is_refused_by_its_digest(
    single: bytes, built: Built, tmp_path: Path
) -> None:
    """The two answer so much alike that only the digest tells them apart for certain."""
    folder = tmp_path / "model"
    seal(
        folder,
        name="nlpinsight",
        version="1",
        loader="nlpinsight",
        files=built.files,
        golden=make_golden_set(built.predictor),
        data={},
        metrics={},
        parameters={},
    )
    (folder / MODEL).write_bytes(single)
    with pytest.raises(SealedModelError) as refused:
        open_sealed(folder)
    assert refused.value.code == "file-digest"


@pytest.mark.parametrize("damage", ["max_length", "unknown", "backend"])
def test_a_config_that_does_not_fit_is_refused(damage: str, tiny_training: EvaluatedModel) -> None:
    config = json.loads(tiny_training.trained.files["config.json"])
    config |= {
        "max_length": {"max_length": 100_000},
        "unknown": {"surprise": 1},
        "backend": {"backend": "torch"},
    }[damage]
    with pytest.raises(ValueError, match=r"max_length|surprise|backend"):
        load({**tiny_training.trained.files, "config.json": json.dumps(config).encode()})


def test_the_service_answers_with_the_transformer(
    tiny_sealed: Path, tiny_training: EvaluatedModel
) -> None:
    with (
        LiveService(
            ["-m", "nlpinsight", "serve"], {"MODEL_DIR": str(tiny_sealed), "DRAIN_S": "0"}, {}
        ) as service,
        httpx2.Client(base_url=service.url, timeout=60) as client,
    ):
        service.wait_until_ready()
        answer = client.post("/predict", json={"text": "profit " * 100}).json()
        batch = client.post(
            "/predict_batch", json={"texts": [{"text": text} for text in TEXTS]}
        ).json()
    assert answer["model"] == "transformer"
    answer = answer["prediction"]
    assert (answer["truncated"], answer["unit"], answer["used"]) == (True, "tokens", 30)
    assert answer["total"] == 100
    expected = tiny_training.model.scores(TEXTS)
    for one, row in zip(batch["predictions"], expected.tolist(), strict=True):
        assert list(one["all_scores"].values()) == row
        assert one["label"] == LABELS[int(np.argmax(row))]
