"""The scikit-learn pipeline of the linear back end.

The pipeline is fitted, evaluated and sealed as a joblib file. Requests are answered by the
`LinearModel` that `export` makes from it.
"""

import io
from collections.abc import Callable, Sequence
from typing import Final

import joblib
import numpy as np
from pydantic import JsonValue
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline

from nlpinsight.arrays import Float64Array, Int64Array
from nlpinsight.backends.calibration import HeldOut, softmax
from nlpinsight.backends.linear import Block, LinearModel
from nlpinsight.ngrams import character_terms, word_terms
from nlpinsight.schema import LABELS
from nlpinsight.text.normalisation import normalise_all

FOLDS: Final = 3
FOLD_SEED: Final = 42

# Chosen by three-fold cross-validation on the training file of the model card.
PARAMETERS: Final[dict[str, JsonValue]] = {
    "terms": "words, pairs of words, 3 to 5 characters in a word",
    "min_df": 2,
    "sublinear_tf": True,
    "C": 3.0,
    "class_weight": "square root of balanced",
    # Newton's method converges in a tenth of the time of scikit-learn's default.
    "solver": "newton-cg",
    "tol": 1e-6,
    # Confidence is calibrated on answers of models that were trained on the other folds.
    "calibration_folds": FOLDS,
    "calibration_seed": FOLD_SEED,
}

# Maximum difference between an exported model and its pipeline, in probability.
AGREEMENT: Final = 1e-9

# Number of texts on which a fold's model is compared with its pipeline.
_COMPARED: Final = 20


class AgreementError(RuntimeError):
    """The exported model does not answer as the pipeline does."""


def fit_pipeline(texts: Sequence[str], targets: Int64Array) -> Pipeline:
    """Fit the pipeline. The same texts give the same model.

    Args:
        texts: Raw texts that are not empty once normalised.
        targets: Index of each text's label in `LABELS`; every label occurs.
    """
    counts = np.bincount(targets, minlength=len(LABELS))
    # The square root of balanced weights: no weights neglect rare labels, balanced weights cost
    # accuracy.
    weights = np.sqrt(len(targets) / (len(LABELS) * counts))
    pipeline = Pipeline(
        [
            (
                "features",
                FeatureUnion(
                    [
                        ("words", _vectorizer(word_terms)),
                        ("characters", _vectorizer(character_terms)),
                    ]
                ),
            ),
            (
                "classifier",
                LogisticRegression(
                    C=PARAMETERS["C"],
                    class_weight=dict(enumerate(weights.tolist())),
                    solver=PARAMETERS["solver"],
                    tol=PARAMETERS["tol"],
                    max_iter=1000,
                ),
            ),
        ]
    )
    return pipeline.fit(normalise_all(texts), targets)


def export(pipeline: Pipeline, texts: Sequence[str]) -> LinearModel:
    """Export the linear model of a fitted pipeline.

    Args:
        pipeline: A fitted pipeline.
        texts: Raw texts on which both must agree.

    Raises:
        AgreementError: They disagree.
    """
    coefficients, intercept = _per_label(pipeline.named_steps["classifier"])
    blocks, start = [], 0
    for _, vectorizer in pipeline.named_steps["features"].transformer_list:
        terms = tuple(vectorizer.get_feature_names_out().tolist())
        weights = np.ascontiguousarray(coefficients[start : start + len(terms)])
        blocks.append(Block(terms, vectorizer.idf_.astype(np.float64), weights))
        start += len(terms)
    words, characters = blocks
    model = LinearModel(words, characters, intercept)
    gap = largest_difference(pipeline, model, texts)
    # Not `gap > AGREEMENT`, which NaN would pass.
    if not gap <= AGREEMENT:
        raise AgreementError(
            f"The exported model is {gap:.3g} away from its pipeline; {AGREEMENT:g} is allowed. "
            "scikit-learn weighs terms differently from nlpinsight.backends.linear: install "
            "exactly what requirements-prod.txt pins."
        )
    return model


def largest_difference(pipeline: Pipeline, model: LinearModel, texts: Sequence[str]) -> float:
    """The largest difference between the two on raw texts, in probability."""
    normalised = normalise_all(texts)
    gaps = np.abs(pipeline.predict_proba(normalised) - softmax(model.decide(normalised)[0]))
    return float(gaps.max())


def cross_validate(texts: Sequence[str], targets: Int64Array) -> HeldOut:
    """Answers of models to texts that they were not trained on, unchanged and with hidden words.

    Args:
        texts: Raw texts that are not empty once normalised.
        targets: Index of each text's label in `LABELS`; every label occurs in each fold.
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=FOLD_SEED)
    normalised = normalise_all(texts)
    parts = []
    for inside, outside in folds.split(normalised, targets):
        fitted = fit_pipeline([normalised[row] for row in inside], targets[inside])
        others = [normalised[row] for row in outside]
        linear = export(fitted, others[:_COMPARED])
        parts.append(HeldOut.of(linear.decide, others, targets[outside], seed=FOLD_SEED))
    return HeldOut.joined(parts)


def to_joblib(pipeline: Pipeline) -> bytes:
    """The pipeline as a joblib file."""
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=("zlib", 3))
    return buffer.getvalue()


def _per_label(classifier: LogisticRegression) -> tuple[Float64Array, Float64Array]:
    """Weights (terms x labels) and intercepts whose softmax is the classifier's probability."""
    weights, intercept = classifier.coef_.T, classifier.intercept_
    if len(intercept) > 1:
        return weights, intercept
    # Of two labels, scikit-learn keeps the difference.
    return np.hstack([-weights, weights]) / 2, np.hstack([-intercept, intercept]) / 2


def _vectorizer(terms_of: Callable[[str], list[str]]) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer=terms_of,
        min_df=PARAMETERS["min_df"],
        sublinear_tf=PARAMETERS["sublinear_tf"],
    )
