import subprocess
from pathlib import Path

import pytest
from incidentlab.data import split
from incidentlab.laboratory import Laboratory

REPOSITORY = Path(__file__).resolve().parents[2]
ROWS, TREES = 600, 10


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Customers whom a service generates, by its command line."""
    table = tmp_path_factory.mktemp("customers") / "sample.csv"
    python = REPOSITORY / "BankChurn-Predictor" / ".venv" / "bin" / "python"
    command = ["-m", "bankchurn", "generate", str(table), "--rows", str(ROWS)]
    subprocess.run([str(python), *command], check=True, capture_output=True)
    return table


@pytest.fixture(scope="session")
def laboratory(customers: Path, tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    training, scored, _ = split(customers, tmp_path_factory.mktemp("split"), source="sample")
    return Laboratory(
        uv=REPOSITORY / ".tools" / "uv" / "bin" / "uv",
        cache=REPOSITORY / ".cache" / "incident",
        training=training,
        scored=scored,
        trees=TREES,
    )
