from pathlib import Path

import pytest
from {{ package }}.data import Table
from {{ package }}.features import known_values
from {{ package }}.model import Predictor
from {{ package }}.sample import generate_sample
from {{ package }}.schema import example
from {{ package }}.training import TrainedModel, seal, train


@pytest.fixture(scope="session")
def table() -> Table:
    records, target = generate_sample(1500, seed=3)
    return Table(known_values(records), target)


@pytest.fixture(scope="session")
def trained(table: Table) -> TrainedModel:
    return train(table, source="sample", seed=5)


@pytest.fixture(scope="session")
def predictor(trained: TrainedModel) -> Predictor:
    return trained.predictor


@pytest.fixture(scope="session")
def sealed(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "{{ package }}"
    seal(trained, folder)
    return folder


@pytest.fixture
def record() -> dict[str, object]:
    return example()
