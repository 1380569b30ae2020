"""The training side of the linear back end: one scikit-learn pipeline.

The pipeline is what is fitted, measured and kept in the sealed model as joblib. Requests are
answered by what `export` takes out of it.
"""

import io
from collections.abc import Callable, Sequence
from typing import Final

import joblib
import numpy as np
import numpy.typing as npt
from pydantic import JsonValue
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline

from nlpinsight.backends.calibration import HeldOut, softmax
from nlpinsight.backends.linear import Block, LinearModel
from nlpinsight.ngrams import character_terms, word_terms
from nlpinsight.schema import LABELS
from nlpinsight.text.normalisation import normalise_all

__all__ = [
    "AGREEMENT",
    "PARAMETERS",
    "AgreementError",
    "cross_validate",
    "export",
    "fit_pipeline",
    "largest_difference",
    "to_joblib",
]

Floats = npt.NDArray[np.float64]

FOLDS: Final = 3
FOLD_SEED: Final = 42

# Chosen by three-fold cross-validation on the training file of the model card, the validation file
# unseen.
PARAMETERS: Final[dict[str, JsonValue]] = {
    "terms": "words, pairs of words, 3 to 5 characters in a word",
    "min_df": 2,
    "sublinear_tf": True,
    "C": 3.0,
    "class_weight": "square root of balanced",
    # Newton's method: a tenth of the time of scikit-learn's default here, and to the end.
    "solver": "newton-cg",
    "tol": 1e-6,
    # Confidence is calibrated on what models of the other folds say about each text.
    "calibration_folds": FOLDS,
    "calibration_seed": FOLD_SEED,
}

# How far an exported model may be from its pipeline, in probability: sums in another order.
AGREEMENT: Final = 1e-9

# How many texts a model of a fold is compared with its pipeline on.
_COMPARED: Final = 20


class AgreementError(RuntimeError):
    """The exported model does not answer as the pipeline does."""


def fit_pipeline(texts: Sequence[str], targets: npt.NDArray[np.int64]) -> Pipeline:
    """Fit the pipeline. The same texts give the same model.

    Args:
        texts: Raw texts that have something to judge.
        targets: The place of each one's label in `LABELS`; every label occurs.
    """
    counts = np.bincount(targets, minlength=len(LABELS))
    # Between no weights, which neglect the rare labels, and weights that make all equally heavy,
    # which cost accuracy: the root of the latter.
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
    """Take out of a fitted pipeline what requests are answered with.

    Args:
        pipeline: A fitted pipeline.
        texts: Raw texts, on which both must agree.

    Raises:
        AgreementError: They do not.
    """
    coefficients = pipeline.named_steps["classifier"].coef_.T
    blocks, start = [], 0
    for _, vectorizer in pipeline.named_steps["features"].transformer_list:
        terms = tuple(vectorizer.get_feature_names_out().tolist())
        weights = np.ascontiguousarray(coefficients[start : start + len(terms)])
        blocks.append(Block(terms, vectorizer.idf_.astype(np.float64), weights))
        start += len(terms)
    words, characters = blocks
    model = LinearModel(words, characters, pipeline.named_steps["classifier"].intercept_)
    gap = largest_difference(pipeline, model, texts)
    # Not `gap > AGREEMENT`: that would let NaN pass.
    if not gap <= AGREEMENT:
        raise AgreementError(
            f"The exported model is {gap:.3g} away from its pipeline; {AGREEMENT:g} is allowed. "
            "scikit-learn weighs terms differently from nlpinsight.backends.linear: install "
            "requirements-prod.txt as it stands."
        )
    return model


def largest_difference(pipeline: Pipeline, model: LinearModel, texts: Sequence[str]) -> float:
    """How far the two are apart on raw texts, at most, in probability."""
    normalised = normalise_all(texts)
    gaps = np.abs(pipeline.predict_proba(normalised) - softmax(model.decisions(normalised)))
    return float(gaps.max())


def cross_validate(texts: Sequence[str], targets: npt.NDArray[np.int64]) -> HeldOut:
    """What models say about texts that they did not learn from, as they are and with words hidden.

    Args:
        texts: Raw texts that have something to judge.
        targets: The place of each one's label in `LABELS`; every label occurs once in each fold.
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=FOLD_SEED)
    normalised = normalise_all(texts)
    parts = []
    for inside, outside in folds.split(normalised, targets):
        fitted = fit_pipeline([normalised[row] for row in inside], targets[inside])
        others = [normalised[row] for row in outside]
        linear = export(fitted, others[:_COMPARED])

        def score(texts: Sequence[str], linear: LinearModel = linear) -> tuple[Floats, Floats]:
            decisions, shares = linear.decide(texts)
            return decisions, np.array(shares, dtype=np.float64)

        parts.append(HeldOut.of(score, others, targets[outside], seed=FOLD_SEED))
    return HeldOut.joined(parts)


def to_joblib(pipeline: Pipeline) -> bytes:
    """The pipeline as a joblib file."""
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=("zlib", 3))
    return buffer.getvalue()


def _vectorizer(terms_of: Callable[[str], list[str]]) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer=terms_of,
        min_df=PARAMETERS["min_df"],
        sublinear_tf=PARAMETERS["sublinear_tf"],
    )
