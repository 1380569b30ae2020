import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from bankchurn.features import Matrix
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.sample import generate_sample
from bankchurn.schema import IDENTIFIERS, TARGET, example
from bankchurn.training.train import TrainedModel, TrainingOptions, seal, train

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("REAL_DATA_DIR", REPOSITORY.parent / "shared" / "data")) / "churn"
    if not (folder / "Churn_Modelling.csv").is_file():
        pytest.skip(f"the real churn table is not at {folder}; set REAL_DATA_DIR to its parent")
    return folder


@pytest.fixture(scope="session")
def sample() -> pd.DataFrame:
    return generate_sample(1500, seed=3)


@pytest.fixture(scope="session")
def training(sample: pd.DataFrame) -> TrainedModel:
    table = sample.drop(columns=list(IDENTIFIERS))
    options = TrainingOptions(seed=5, folds=2, background_rows=20)
    return train(table, source="sample", options=options)


@pytest.fixture(scope="session")
def predictor(training: TrainedModel) -> ChurnPredictor:
    return training.predictor


@pytest.fixture(scope="session")
def sealed(training: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "bankchurn"
    seal(training, folder)
    return folder


@pytest.fixture(scope="session")
def matrix(predictor: ChurnPredictor, sample: pd.DataFrame) -> Matrix:
    found: Matrix = predictor.pipeline.named_steps["features"].transform(sample)
    return found


@pytest.fixture(scope="session")
def target(sample: pd.DataFrame) -> npt.NDArray[np.int64]:
    return sample[TARGET].to_numpy(dtype=np.int64)


@pytest.fixture
def customer() -> dict[str, object]:
    return example()


@pytest.fixture
def largest_file() -> Callable[[int], AbstractContextManager[None]]:
    """Lets no file grow beyond a size: the error of a full disk, as `ulimit -f` makes it."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        # Bytecode of a module imported here would be truncated, and break the next import of it.
        kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            sys.dont_write_bytecode = kept

    return limited
