"""Train a model: split, cross-validate, choose the threshold, fit, evaluate, seal."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import lightgbm
import modelseal
import numpy as np
import pandas as pd
import sklearn
import xgboost
from modelseal import Manifest, SealError
from modelseal.errors import UnsafePickleError
from modelwatch.profile import PROFILE_NAME
from servicekit.files import DataError
from servicekit.progress import Advance, silent
from servicekit.training_rows import ROW_SKETCH, Overlap, RowSketch
from sklearn.model_selection import StratifiedKFold, train_test_split

from bankchurn.arrays import Float64Array, Int64Array
from bankchurn.data.table import fingerprint
from bankchurn.evaluation.evaluation import (
    count_unknown,
    describe,
    digest_table,
    evaluate_pipeline,
    unknown_notices,
)
from bankchurn.evaluation.metrics import (
    LearnerScore,
    Spread,
    TrainingReport,
    measure,
)
from bankchurn.evaluation.threshold import choose_threshold
from bankchurn.golden import golden_customers, make_golden_set
from bankchurn.model.explanation import AdditivityError, Background
from bankchurn.model.predictor import ChurnPredictor, EnsembleError, load, pack
from bankchurn.model.shap_reference import ShapDifferenceError
from bankchurn.model.stack import PARAMETERS, fit_pipeline, learner_probabilities, probabilities
from bankchurn.model.training_profile import TrainingProfile
from bankchurn.schema import NUMBERS, TARGET
from bankchurn.training.reference_profile import reference_profile

STACK: Final = "stack"
MIN_PER_CLASS: Final = 50
# Enough for every fold of a cross-validation to have some.
MIN_KNOWN: Final = 50


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes:
        seed: Random seed of the split, the folds and every learner.
        folds: Number of cross-validation folds.
        test_share: Share of the table that is held out.
        background_rows: Number of training customers that explanations compare with.
    """

    seed: int = 42
    folds: int = 4
    test_share: float = 0.2
    background_rows: int = 100


@dataclass(frozen=True)
class TrainedModel:
    """A trained model: the predictor in memory, its files, its report, its training rows."""

    predictor: ChurnPredictor
    files: dict[str, bytes]
    report: TrainingReport
    options: TrainingOptions
    rows: RowSketch


def steps(options: TrainingOptions) -> int:
    """Number of steps that `train` and `seal` together report."""
    return options.folds + 3


def train(
    table: pd.DataFrame,
    *,
    source: str,
    options: TrainingOptions,
    version_override: str | None = None,
    advance: Advance = silent,
) -> TrainedModel:
    """Train and evaluate a model in memory. The same table and options give the same model.

    Args:
        table: A validated table with its target.
        source: Origin of the table, for the report.
        options: Training options.
        version_override: Version of the model; derived from data, options and libraries if None.
        advance: Called with the name of each step when it begins.

    Raises:
        DataError: The table is too small to split and cross-validate, or a column that may be
            unknown has too few known values.
        SealError: The fast ensemble answers differently from the pipeline, or explains differently
            from shap.
    """
    _check_size(table)
    training, holdout = train_test_split(
        table, test_size=options.test_share, stratify=table[TARGET], random_state=options.seed
    )
    target = training[TARGET].to_numpy(dtype=np.int64)
    scores, out_of_fold = cross_validate(training, target, options=options, advance=advance)
    decision = choose_threshold(target, out_of_fold)

    advance(step="fit the model")
    pipeline = fit_pipeline(training, target, seed=options.seed)
    matrix = pipeline.named_steps["features"].transform(training)
    background = Background.sample(matrix, size=options.background_rows, seed=options.seed)
    profile = TrainingProfile.of(training)
    files = pack(pipeline, background, decision, profile)

    advance(step="evaluate on the hold-out set")
    # From the packed bytes, so that what is evaluated is what will be sealed.
    with _sealable():
        predictor = load(files)
        predictor.compare_with_shap(golden_customers())
    evaluation = evaluate_pipeline(predictor, holdout)
    reference = reference_profile(
        holdout,
        probabilities(predictor.pipeline, holdout),
        threshold=decision.threshold,
        metrics=evaluation.metrics,
    )
    files[PROFILE_NAME] = reference.model_dump_json().encode()
    rows = RowSketch.of(digest_table(training))
    overlap = rows.overlap(digest_table(holdout))
    report = TrainingReport(
        model_version=version_override or model_version(table, options),
        data=describe(table, source),
        threshold=decision.threshold,
        threshold_criterion=decision.criterion,
        cross_validation=scores,
        evaluation=evaluation,
        training_overlap=overlap.to_json(),
        training_profile=profile,
        notices=[
            *profile.notices(),
            *([_duplicates(overlap)] if overlap.seen else []),
            *unknown_notices(count_unknown(table)),
        ],
    )
    return TrainedModel(predictor, files, report, options, rows)


def seal(training: TrainedModel, destination: Path, *, advance: Advance = silent) -> Manifest:
    """Seal a trained model into a folder.

    Raises:
        SealError: It cannot be sealed; the destination is unchanged.
    """
    advance(step="seal the model and check it in a fresh process")
    report, metrics = training.report, training.report.evaluation.metrics
    with _sealable():
        golden = make_golden_set(training.predictor, golden_customers())
    return modelseal.seal(
        destination,
        name="bankchurn",
        version=report.model_version,
        loader="bankchurn",
        files=training.files,
        golden=golden,
        data=report.data | {ROW_SKETCH: training.rows.to_json()},
        metrics={
            name: float(value) for name, value in metrics.model_dump().items() if value is not None
        },
        parameters={
            "options": asdict(training.options),
            "learners": {name: dict(values) for name, values in PARAMETERS.items()},
            "threshold": report.threshold,
            "background_version": training.predictor.background.version,
        },
    )


def cross_validate(
    table: pd.DataFrame, target: Int64Array, *, options: TrainingOptions, advance: Advance
) -> tuple[dict[str, LearnerScore], Float64Array]:
    """Cross-validate the stack and, on the same folds, each of its base learners alone.

    Returns:
        The scores by learner, and the stack's out-of-fold probabilities.
    """
    folds = StratifiedKFold(options.folds, shuffle=True, random_state=options.seed)
    auc: dict[str, list[float]] = {}
    log_loss: dict[str, list[float]] = {}
    out_of_fold = np.empty(len(table), dtype=np.float64)
    for number, (inside, outside) in enumerate(folds.split(table, target), start=1):
        advance(step=f"cross-validate, fold {number} of {options.folds}")
        pipeline = fit_pipeline(table.iloc[inside], target[inside], seed=options.seed)
        unseen = table.iloc[outside]
        out_of_fold[outside] = probabilities(pipeline, unseen)
        answers = {STACK: out_of_fold[outside], **learner_probabilities(pipeline, unseen)}
        for name, answer in answers.items():
            metrics = measure(target[outside], answer, 0.5)
            auc.setdefault(name, []).append(float(metrics.auc or np.nan))
            log_loss.setdefault(name, []).append(metrics.log_loss)
    scores = {
        name: LearnerScore(auc=Spread.of(auc[name]), log_loss=Spread.of(log_loss[name]))
        for name in auc
    }
    return scores, out_of_fold


def model_version(table: pd.DataFrame, options: TrainingOptions) -> str:
    """The package's version and a digest of the data, the options and the learners' libraries.

    The libraries count because even a patch release of XGBoost trains another model on the same
    data.
    """
    libraries = [module.__version__ for module in (lightgbm, np, sklearn, xgboost)]
    made_of = repr((fingerprint(table), asdict(options), PARAMETERS, libraries))
    return f"{version('bankchurn')}+{hashlib.sha256(made_of.encode()).hexdigest()[:8]}"


@contextmanager
def _sealable() -> Iterator[None]:
    """Raise a SealError where the model cannot be read back or its paths disagree."""
    try:
        yield
    except UnsafePickleError as error:
        raise SealError(
            f"The model's pipeline could not be read back: {error.message}",
            remedy="A library has changed how it pickles models. Review the name and add it to "
            "bankchurn/model/pipeline_globals.py.",
        ) from error
    except (EnsembleError, AdditivityError, ShapDifferenceError) as error:
        raise SealError(
            f"The model's paths disagree: {error}",
            remedy="Look for a path that takes the features in another order.",
        ) from error


def _duplicates(overlap: Overlap) -> str:
    about = "About " if overlap.compared < overlap.rows else ""
    return (
        f"{about}{overlap.share:.1%} of the {overlap.rows:,} held-out rows equal a training row: "
        "the table has duplicates, so the metrics are too good. Remove them and train again."
    )


def _check_size(table: pd.DataFrame) -> None:
    counts = table[TARGET].value_counts()
    for label, meaning in ((0, "stayed"), (1, "left")):
        if counts.get(label, 0) < MIN_PER_CLASS:
            raise DataError(
                f"The table has {counts.get(label, 0)} customers who {meaning}; training needs at "
                f"least {MIN_PER_CLASS} to split and cross-validate. Give more rows."
            )
    for name, bounds in NUMBERS.items():
        known = int(table[name].notna().sum())
        if bounds.nullable and known < MIN_KNOWN:
            raise DataError(
                f"{name} is known for {known} customers; training needs at least {MIN_KNOWN} to "
                "compute the median that replaces unknown values. Give more rows with it."
            )
