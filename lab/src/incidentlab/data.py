"""The customers of the experiments."""

from pathlib import Path
from typing import Final

import pandas as pd
from careless.features import CATEGORIES, NUMBERS
from careless.model import TARGET

from incidentlab.findings import Data

# Every fifth customer is scored; the others train.
_FIFTH: Final = 5


class DataError(Exception):
    """The file is not a table of customers."""


def split(table: Path, folder: Path, *, source: str) -> tuple[Path, Path, Data]:
    """Split a table into customers to train on and customers to score.

    Args:
        table: CSV with the columns of the public churn table.
        folder: Folder for the two parts.
        source: Name of the table in the results.

    Returns:
        The file to train on, the file to score, and a description of the data.

    Raises:
        DataError: The table cannot be read, or lacks a column.
    """
    columns = [*NUMBERS, *CATEGORIES, TARGET]
    try:
        customers = pd.read_csv(table, usecols=columns, float_precision="round_trip")[columns]
    except (OSError, ValueError) as error:
        raise DataError(f"{table.name} is not a table of customers: {error}") from error
    scored = customers.index % _FIFTH == 0
    training_file, scored_file = folder / "training.csv", folder / "scored.csv"
    customers[~scored].to_csv(training_file, index=False)
    customers[scored].to_csv(scored_file, index=False)
    return (
        training_file,
        scored_file,
        Data(
            source=source,
            rows=len(customers),
            unknown_tenure=int(customers["Tenure"].isna().sum()),
            scored=int(scored.sum()),
        ),
    )
