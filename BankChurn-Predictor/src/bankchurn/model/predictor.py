"""The model as a service holds it: loaded from sealed bytes, answering customers.

`load` is what modelseal calls to open a sealed model (entry point ``modelseal.loaders``); `pack`
makes the files that it reads. The scikit-learn pipeline is the sealed truth. Few customers are
answered by the request path, many by the pipeline itself, whichever is faster.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from modelseal import GoldenValue
from pydantic import JsonValue
from scipy.special import expit
from servicekit.answer_warnings import AnswerWarning
from sklearn.pipeline import Pipeline

from bankchurn.features import (
    CustomerEncoder,
    Matrix,
    customer_values,
    customers_to_frame,
    table_values,
)
from bankchurn.model.explain import Background, ShapleyExplainer
from bankchurn.model.fast_ensemble import RequestPath
from bankchurn.model.pipeline_file import FILE_NAME, read_pipeline, write_pipeline
from bankchurn.model.stack import probabilities
from bankchurn.model.training_profile import TrainingProfile, WarningFinder
from bankchurn.responses import Explanation, Prediction, confidence, risk_level
from bankchurn.schema import Customer

__all__ = ["AGREEMENT", "ChurnPredictor", "Decision", "RequestPathError", "load", "pack"]

Floats = npt.NDArray[np.float64]

# How far the request path may be from the sealed pipeline, in probability.
AGREEMENT: Final = 1e-5

# From this many rows on, the pipeline's fixed cost is less than what its faster trees save.
BATCH_ROWS: Final = 32

_BACKGROUND: Final = "background.json"
_DECISION: Final = "decision.json"
_PROFILE: Final = "training_profile.json"


class RequestPathError(RuntimeError):
    """The request path does not answer as the sealed pipeline does."""


@dataclass(frozen=True)
class Decision:
    """The decision threshold: who is predicted to leave.

    Attributes:
        threshold: The least probability that counts as churn.
        criterion: How training chose it.
    """

    threshold: float
    criterion: str


class ChurnPredictor:
    """Answers customers.

    Args:
        pipeline: The fitted pipeline of `bankchurn.model.stack`.
        background: The customers that explanations compare with.
        decision: The decision threshold.
        profile: What the pipeline was fitted on; None for models sealed before 2026-11-28, whose
            answers are not marked.

    Attributes:
        pipeline: The same.
        decision: The same.
        profile: The same.

    Raises:
        RequestPathError: The request path disagrees with the pipeline on the background.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        background: Background,
        decision: Decision,
        profile: TrainingProfile | None,
    ) -> None:
        self.pipeline = pipeline
        self.decision = decision
        self.profile = profile
        self._finder = WarningFinder(profile) if profile is not None else None
        self._encoder: CustomerEncoder = pipeline.named_steps["features"]
        self._stack = pipeline.named_steps["stack"]
        self._path = RequestPath(self._stack)
        self._explainer = ShapleyExplainer(self._stack, self._path, background)
        self._prove(background.matrix)

    @property
    def background(self) -> Background:
        """The customers that explanations compare with."""
        return self._explainer.background

    def encode(self, customers: Sequence[Customer]) -> Matrix:
        """The feature matrix of validated customers."""
        return self._encoder.encode(customers)

    def probabilities(self, matrix: Matrix) -> Floats:
        """The probability of churn for each row of a feature matrix, by the faster path."""
        if len(matrix) >= BATCH_ROWS:
            return np.asarray(self._stack.predict_proba(matrix)[:, 1], dtype=np.float64)
        return np.asarray(expit(self._path.log_odds(matrix)), dtype=np.float64)

    def find_warnings(self, values: Matrix) -> Mapping[int, list[AnswerWarning]]:
        """What of customers lies outside of the training, by row; see `WarningFinder.find`."""
        return self._finder.find(values) if self._finder is not None else {}

    def score_table(self, table: pd.DataFrame) -> tuple[Floats, Mapping[int, list[AnswerWarning]]]:
        """Score a validated table by the sealed pipeline.

        Args:
            table: Customers, with at least the columns of `FEATURES`.

        Returns:
            The probability of churn of each row, and the warnings by row number from 0.
        """
        values = table_values(table)
        warnings = self.find_warnings(values)
        probability = self._stack.predict_proba(self._encoder.impute(values))[:, 1]
        return np.asarray(probability, dtype=np.float64), warnings

    def explain(self, matrix: Matrix) -> list[Explanation]:
        """The exact explanation of each row of a feature matrix."""
        return self._explainer.explain(matrix)

    def answer(
        self, customers: Sequence[Customer], *, model_version: str, explain: bool = False
    ) -> list[Prediction]:
        """Score customers, and say why where that is asked for.

        Args:
            customers: At least one customer.
            model_version: The version that the answers state.
            explain: Whether to explain every customer, at some milliseconds each.
        """
        values = customer_values(customers)
        warnings = self.find_warnings(values)
        matrix = self._encoder.impute(values)
        explanations: Sequence[Explanation | None] = (
            self.explain(matrix) if explain else [None] * len(matrix)
        )
        now = datetime.now(UTC)
        return [
            Prediction(
                churn_probability=probability,
                churn_prediction=1 if probability >= self.decision.threshold else 0,
                threshold=self.decision.threshold,
                risk_level=risk_level(probability),
                confidence=confidence(probability),
                feature_contributions=why.probability_contributions if why else {},
                explanation=why,
                warnings=warnings.get(row, []),
                model_version=model_version,
                prediction_timestamp=now,
            )
            for row, (probability, why) in enumerate(
                zip(self.probabilities(matrix).tolist(), explanations, strict=True)
            )
        ]

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden inputs by every path that a service may take.

        Args:
            inputs: Customers as JSON objects, in the form of a request.

        Returns:
            ``pipeline_probability``: what the sealed pipeline says of the table of customers;
            ``request_probability``: what the request path says, one customer at a time;
            ``batch_probability``: what it says of all of them at once;
            ``log_odds_contributions``: the explanation's base, then its contributions. Models with
            a training profile also give ``explained_probability``: the probability that these add
            up to; ``pipeline_features`` and ``request_features``: the rows of the feature matrix
            that the table and the requests become.
        """
        customers = [Customer.model_validate(record) for record in inputs]
        table, matrix = customers_to_frame(customers), self.encode(customers)
        explained = self._explainer.contributions(matrix)
        base = self._explainer.base_log_odds
        answers: dict[str, Sequence[GoldenValue]] = {
            "pipeline_probability": probabilities(self.pipeline, table).tolist(),
            "request_probability": [
                float(self.probabilities(matrix[row : row + 1])[0]) for row in range(len(matrix))
            ],
            "batch_probability": self.probabilities(matrix).tolist(),
            "log_odds_contributions": [(base, *row) for row in explained.tolist()],
        }
        if self.profile is not None:
            # The golden sets of models without a profile do not have these outputs.
            answers["explained_probability"] = expit(base + explained.sum(axis=1)).tolist()
            for name, rows in (
                ("pipeline_features", self._encoder.transform(table)),
                ("request_features", matrix),
            ):
                answers[name] = [tuple(row) for row in rows.astype(np.float64).tolist()]
        return answers

    def _prove(self, matrix: Matrix) -> None:
        sealed = self._stack.predict_proba(matrix)[:, 1]
        gap = float(np.abs(expit(self._path.log_odds(matrix)) - sealed).max())
        # Not `gap > AGREEMENT`: that would let NaN pass.
        if not gap <= AGREEMENT:
            raise RequestPathError(
                f"The request path is {gap:.3g} away from the sealed pipeline; {AGREEMENT:g} is "
                "allowed. treelite reads one of the learners differently from the library that "
                "trained it: install exactly what requirements-prod.txt pins."
            )


def pack(
    pipeline: Pipeline, background: Background, decision: Decision, profile: TrainingProfile
) -> dict[str, bytes]:
    """The files of a model, by name: what `modelseal.seal` seals and `load` reads."""
    return {
        FILE_NAME: write_pipeline(pipeline),
        _BACKGROUND: background.to_json(),
        _DECISION: json.dumps(
            {"threshold": decision.threshold, "criterion": decision.criterion}
        ).encode(),
        _PROFILE: profile.model_dump_json().encode(),
    }


def load(files: Mapping[str, bytes]) -> ChurnPredictor:
    """Make a predictor of the files of a sealed model.

    Args:
        files: Verified contents by file name.

    Raises:
        UnsafePickleError: The pipeline's pickle does something that no pipeline's does.
        ProfileError: The model was trained on other inputs than `bankchurn.schema` defines.
    """
    # Before unpickling: a pipeline of other inputs might not even load.
    profile = TrainingProfile.model_validate_json(files[_PROFILE]) if _PROFILE in files else None
    if profile is not None:
        profile.check()
    pipeline = read_pipeline(files[FILE_NAME])
    decision = json.loads(files[_DECISION])
    background = Background.from_json(files[_BACKGROUND])
    return ChurnPredictor(pipeline, background, Decision(**decision), profile)
