from pathlib import Path

import pytest
from incidentlab.data import split
from incidentlab.laboratory import Laboratory
from incidentlab.sample import generate_customers

REPOSITORY = Path(__file__).resolve().parents[2]
ROWS, TREES = 600, 10


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated customers."""
    table = tmp_path_factory.mktemp("customers") / "sample.csv"
    generate_customers(ROWS).to_csv(table, index=False)
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
