import os
from pathlib import Path

import pandas as pd
import pytest
from batches import predict
from chicagotaxi.forecast.backtest import BacktestOptions
from chicagotaxi.forecast.model import ForecastOptions
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.forecast.train import Training, seal, train
from chicagotaxi.history.panel import Panel
from modelseal import OpenedModel, open_sealed
from synthetic import hourly

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("REAL_DATA_DIR", REPOSITORY.parent / "shared" / "data"))
    folder /= "chicago"
    if not folder.is_dir():
        pytest.skip(f"the real trips are not at {folder}; set REAL_DATA_DIR to its parent")
    return folder


@pytest.fixture(scope="session")
def hourly_frame() -> pd.DataFrame:
    return hourly(days=84)


@pytest.fixture(scope="session")
def panel(hourly_frame: pd.DataFrame) -> Panel:
    return Panel.from_frame(hourly_frame)


@pytest.fixture(scope="session")
def training(panel: Panel) -> Training:
    return train(
        panel,
        about={"source": "synthetic"},
        options=ForecastOptions(seed=3, rows=30_000, trees=40),
        folds=BacktestOptions(folds=2),
    )


@pytest.fixture(scope="session")
def forecaster(training: Training) -> DemandForecaster:
    return training.forecaster


@pytest.fixture(scope="session")
def sealed(training: Training, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "chicagotaxi"
    seal(training, folder)
    return folder


@pytest.fixture(scope="session")
def opened(sealed: Path) -> OpenedModel:
    return open_sealed(sealed)


@pytest.fixture
def output(tmp_path: Path, hourly_frame: pd.DataFrame) -> Path:
    """The pipeline's output folder, with hourly demand and nothing else."""
    month = tmp_path / "pipeline" / "hourly" / "year=2025" / "month=1"
    month.mkdir(parents=True)
    hourly_frame.to_parquet(month / "a.parquet", index=False)
    return tmp_path / "pipeline"


@pytest.fixture
def predicted(output: Path, sealed: Path, panel: Panel) -> Path:
    """The same, with a batch of predictions."""
    predict(sealed, panel, output)
    return output
