"""The commands that need torch, over a network too small to wait for."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from modelseal import open_sealed
from nlpinsight.cli import app
from nlpinsight.data.corpus import Corpus
from nlpinsight.training.evaluate_and_seal import EvaluatedModel
from nlpinsight.training.weights import Weights
from typer.testing import CliRunner, Result

if TYPE_CHECKING:
    from nlpinsight.training.trained_model import TrainedModel

pytest.importorskip("torch", reason="fine-tuning needs torch: make train-env-NLPInsight-Analyzer")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def data(learning: Corpus, tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    lines = [
        json.dumps({"text": text, "label": label})
        for text, label in zip(learning.texts, learning.labels, strict=True)
    ]
    path.write_text("\n".join(lines))
    return path


def test_train_passes_all_options_on_and_seals_the_model(
    data: Path,
    tiny_weights: Weights,
    tiny_training: EvaluatedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}

    def make(training: Corpus, held_out: Corpus, **options: Any) -> "TrainedModel":  # noqa: ANN401
        asked.update(options, training=training, held_out=held_out)
        options["advance"](3, "loss 0.5")
        options["work"].mkdir()
        (options["work"] / "member-1.pt").touch()
        return tiny_training.trained

    monkeypatch.setattr("nlpinsight.training.finetuning.train_transformer.train_transformer", make)
    model, reports = tmp_path / "model", tmp_path / "reports"

    result = run(
        *("train", "--backend", "transformer", "--data", data, "--base", tiny_weights.folder),
        *("--folds", 4, "--precision", "float32", "--epochs", 2, "--batch-size", 8),
        *("--max-length", 32, "--threads", 1, "--seed", 7),
        *("--out", model, "--reports", reports, "--model-version", "9.9"),
    )

    assert result.exit_code == 0, result.output
    options = asked["options"]
    assert (options.epochs, options.batch_size, options.max_length) == (2, 8, 32)
    assert (options.folds, options.precision) == (4, "float32")
    assert (options.threads, options.seed) == (1, 7)
    assert asked["weights"].sha256 == tiny_weights.sha256
    assert len(asked["training"]) + len(asked["held_out"]) == 360
    # The checkpoint folder is next to the model, and removed once the model is sealed.
    assert asked["work"] == tmp_path / ".work-model"
    assert not asked["work"].exists()
    assert open_sealed(model).manifest.version == "9.9"
    assert json.loads((reports / "evaluation.json").read_text())["model"] == "transformer"
    assert "Sealed nlpinsight 9.9 in" in result.output


@pytest.fixture
def opinionated(tiny_classifier: Path, tmp_path: Path) -> Path:
    """The tiny classifier with opinions: as its weights are random, it prefers no label."""
    from transformers import BertForSequenceClassification  # noqa: PLC0415

    folder = shutil.copytree(tiny_classifier, tmp_path / "classifier")
    network = BertForSequenceClassification.from_pretrained(folder)
    network.classifier.weight.data.mul_(200)
    network.save_pretrained(folder)
    return folder


def test_export_seals_a_classifier_of_others(opinionated: Path, data: Path, tmp_path: Path) -> None:
    model, reports = tmp_path / "model", tmp_path / "reports"

    result = run(
        *("export", opinionated, "--data", data, "--max-length", 32),
        *("--out", model, "--reports", reports),
    )

    assert result.exit_code == 0, result.output
    report = json.loads((reports / "evaluation.json").read_text())
    assert (report["model"], report["training"]) == ("transformer", None)
    assert report["details"]["int8_beside_fp32"]["texts"] == 360
    predicted = run("predict", data, tmp_path / "out.csv", "--model", model)
    assert predicted.exit_code == 0, predicted.output
    assert f"with transformer {version('nlpinsight')}+" in predicted.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "none/such"], "give the commit to take"),
        (["export", "none/such", "--revision", "main"], "give the commit to take"),
        (["train", "--backend", "transformer", "--base", "."], "is not a model"),
        (["train", "--backend", "transformer", "--threads", "9999"], "threads are too many"),
    ],
)
def test_a_mistake_is_told_before_anything_is_trained(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run(*arguments)

    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert not Path("models/nlpinsight").exists()
