import json
import os
from pathlib import Path

import pytest
from hypothesis import settings
from nlpinsight.data.corpus import Corpus, judgeable
from nlpinsight.data.split import split_and_filter
from nlpinsight.model import SentimentModel
from nlpinsight.sample import generate_sample
from nlpinsight.training.evaluate_and_seal import EvaluatedModel, evaluate_trained, seal
from nlpinsight.training.train_tfidf import train_tfidf

# How long an example takes says nothing on a busy machine.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = (
        Path(os.environ.get("REAL_DATA_DIR", REPOSITORY.parent / "shared" / "data")) / "finsent"
    )
    if not (folder / "tfns_sent_train.csv").is_file():
        pytest.skip(f"the real texts are not at {folder}; set REAL_DATA_DIR to its parent")
    return folder


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return generate_sample(1200, seed=3)


@pytest.fixture(scope="session")
def training(corpus: Corpus) -> EvaluatedModel:
    learned, held_out = split_and_filter(corpus, None, seed=5)
    return evaluate_trained(train_tfidf(learned.corpus, held_out), held_out, learned)


@pytest.fixture(scope="session")
def model(training: EvaluatedModel) -> SentimentModel:
    return training.model


@pytest.fixture(scope="session")
def sealed(training: EvaluatedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "nlpinsight"
    seal(training, folder)
    return folder


@pytest.fixture
def labelled_file(corpus: Corpus, tmp_path: Path) -> Path:
    path = tmp_path / "labelled.jsonl"
    lines = [
        json.dumps({"text": text, "label": label})
        for text, label in zip(judgeable(corpus).texts, corpus.labels, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
