"""Trains the linear back end."""

import time

from nlpinsight.backends import tfidf
from nlpinsight.backends.calibration import base_rates_of, fit
from nlpinsight.data.corpus import Corpus
from nlpinsight.evaluation.reliability import describe_calibration
from nlpinsight.golden import golden_texts
from nlpinsight.training.linear_pipeline import (
    PARAMETERS,
    cross_validate,
    export,
    fit_pipeline,
    largest_difference,
    to_joblib,
)
from nlpinsight.training.trained_model import TrainedModel, versions_of


def train_tfidf(training: Corpus, held_out: Corpus) -> TrainedModel:
    """Train the linear back end.

    Args:
        training: The texts to train on.
        held_out: Texts on which the pipeline and the exported model must agree.

    Raises:
        AgreementError: They disagree.
    """
    began = time.perf_counter()
    compared = (*held_out.texts, *golden_texts())
    fitted = fit_pipeline(training.texts, training.targets)
    linear = export(fitted, compared)
    cross_validated = cross_validate(training.texts, training.targets)
    calibrator = fit(cross_validated, base_rates_of(training.targets))
    seconds = time.perf_counter() - began
    calibration = describe_calibration(calibrator, cross_validated)
    return TrainedModel(
        files=calibrator.add_to(tfidf.pack(linear, to_joblib(fitted))),
        parameters=dict(PARAMETERS),
        libraries=versions_of("joblib", "numpy", "scikit-learn", "scipy"),
        details={
            "terms": linear.size,
            "largest_difference_from_pipeline": largest_difference(fitted, linear, compared),
            "calibration": calibration.model_dump(mode="json"),
        },
        seconds=seconds,
    )
