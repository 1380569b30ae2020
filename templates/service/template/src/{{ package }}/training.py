"""Train a model: split, fit, evaluate, seal."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import modelseal
import numpy as np
import sklearn
from modelseal import Manifest
from modelwatch.profile import PROFILE_NAME
from servicekit.files import DataError
from servicekit.progress import Advance, silent
from servicekit.training_rows import ROW_SKETCH, RowSketch, digest_rows
from sklearn.model_selection import train_test_split

from {{ package }}.data import Table
from {{ package }}.evaluation import Report, describe, make_report
from {{ package }}.golden import golden_records, make_golden_set
from {{ package }}.model import PARAMETERS, FittedModel, Predictor, load
from {{ package }}.reference_profile import reference_profile
from {{ package }}.schema import FEATURES, NUMBERS, TARGET

STEPS: Final = 3
"""Number of steps that `train` and `seal` together report."""

MIN_PER_CLASS: Final = 50
MIN_KNOWN: Final = 50
_TEST_SHARE: Final = 0.2


@dataclass(frozen=True)
class TrainedModel:
    """A trained model: the predictor in memory, its files, its report, its training rows."""

    predictor: Predictor
    files: dict[str, bytes]
    report: Report
    rows: RowSketch
    seed: int


def train(
    table: Table,
    *,
    source: str,
    seed: int = 42,
    version_override: str | None = None,
    advance: Advance = silent,
) -> TrainedModel:
    """Train and evaluate a model in memory. The same table and seed give the same model.

    Args:
        table: Validated rows, of which a fifth is held out.
        source: Origin of the table, for the report.
        seed: Random seed of the split.
        version_override: Version of the model; derived from data, seed and libraries if None.
        advance: Called with the name of each step when it begins.

    Raises:
        DataError: The table is too small, or a number has too few known values.
    """
    _check_size(table)
    advance(step="fit the model")
    inside, outside = train_test_split(
        np.arange(len(table.target)),
        test_size=_TEST_SHARE,
        stratify=table.target,
        random_state=seed,
    )
    training = table.only(inside)
    files = FittedModel.fit(training).pack()
    advance(step="evaluate on the hold-out set")
    # From the packed bytes, so that what is evaluated is what will be sealed.
    predictor = load(files)
    rows = RowSketch.of(digest_rows(training.texts()))
    held_out = table.only(outside)
    report = make_report(
        predictor,
        held_out,
        rows=rows,
        model_version=version_override or model_version(table, seed),
        data=describe(table, source),
    )
    reference = reference_profile(
        held_out,
        predictor.probabilities(held_out.values),
        threshold=report.threshold,
        metrics=report.metrics,
    )
    files[PROFILE_NAME] = reference.model_dump_json().encode()
    return TrainedModel(predictor, files, report, rows, seed)


def seal(trained: TrainedModel, destination: Path, *, advance: Advance = silent) -> Manifest:
    """Seal a trained model into a folder.

    Raises:
        SealError: It cannot be sealed; the destination is unchanged.
    """
    advance(step="seal the model and check it in a fresh process")
    report = trained.report
    return modelseal.seal(
        destination,
        name="{{ package }}",
        version=report.model_version,
        loader="{{ package }}",
        files=trained.files,
        golden=make_golden_set(trained.predictor, golden_records()),
        data=report.data | {ROW_SKETCH: trained.rows.to_json()},
        metrics={
            name: float(value)
            for name, value in report.metrics.model_dump().items()
            if value is not None
        },
        parameters={"seed": trained.seed, "threshold": report.threshold, "classifier": PARAMETERS},
    )


def model_version(table: Table, seed: int) -> str:
    """The package's version and a digest of data, seed, parameters and libraries."""
    libraries = [np.__version__, sklearn.__version__]
    made_of = repr((table.fingerprint(), seed, PARAMETERS, libraries))
    return f"{version('{{ package }}')}+{hashlib.sha256(made_of.encode()).hexdigest()[:8]}"


def _check_size(table: Table) -> None:
    for label in (0, 1):
        count = np.count_nonzero(table.target == label)
        if count < MIN_PER_CLASS:
            raise DataError(
                f"The table has {count} rows with {TARGET} {label}; training needs at least "
                f"{MIN_PER_CLASS}. Give more rows."
            )
    for name in NUMBERS:
        known = np.count_nonzero(~np.isnan(table.values[:, FEATURES.index(name)]))
        if known < MIN_KNOWN:
            raise DataError(
                f"{name} is known in {known} rows; training needs at least {MIN_KNOWN} to compute "
                "the median that replaces unknown values. Give more rows with it."
            )
