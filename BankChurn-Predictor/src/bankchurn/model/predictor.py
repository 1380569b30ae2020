"""The predictor that a service loads from a sealed model.

`load` is the entry point that modelseal calls to open a sealed model (group ``modelseal.loaders``);
`pack` makes the files that it reads. The sealed scikit-learn pipeline is the reference, and scores
files; `TreeEnsemble`, which is faster, scores requests, by way of `CustomerIntervals` if there is
one customer whose values are all within the training data.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pandas as pd
from modelseal import GoldenValue
from pydantic import JsonValue
from scipy.special import expit
from servicekit.answer_warnings import AnswerWarning
from sklearn.pipeline import Pipeline

from bankchurn.arrays import Float64Array
from bankchurn.features import (
    CustomerEncoder,
    Matrix,
    customer_values,
    customers_to_frame,
    table_values,
)
from bankchurn.model.customer_intervals import CustomerIntervals
from bankchurn.model.explanation import Background, ShapleyExplainer
from bankchurn.model.fast_ensemble import TreeEnsemble
from bankchurn.model.pipeline_file import FILE_NAME, read_pipeline, write_pipeline
from bankchurn.model.shap_reference import check_contributions
from bankchurn.model.stack import probabilities
from bankchurn.model.training_profile import TrainingProfile, WarningFinder
from bankchurn.responses import Explanation, Prediction, confidence, risk_level
from bankchurn.schema import Customer

# Maximum difference between the ensemble and the sealed pipeline, in probability.
AGREEMENT: Final = 1e-5

_BACKGROUND: Final = "background.json"
_DECISION: Final = "decision.json"
_PROFILE: Final = "training_profile.json"


class EnsembleError(RuntimeError):
    """The fast ensemble does not answer as the sealed pipeline does."""


@dataclass(frozen=True)
class Decision:
    """The decision threshold.

    Attributes:
        threshold: Minimum probability that is predicted as churn.
        criterion: How training chose it.
    """

    threshold: float
    criterion: str


class ChurnPredictor:
    """Scores and explains customers.

    Args:
        pipeline: The fitted pipeline of `bankchurn.model.stack`.
        background: The customers that explanations compare with.
        decision: The decision threshold.
        profile: Profile of the training data; None for models sealed before 2026-11-28, whose
            answers are not marked.

    Raises:
        EnsembleError: The fast ensemble disagrees with the pipeline on the background.
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
        self._ensemble = TreeEnsemble(self._stack)
        self._customer_intervals = CustomerIntervals(
            self._ensemble, self._encoder.medians_, profile
        )
        self._explainer = ShapleyExplainer(self._ensemble, background)
        self._check_ensemble(background.matrix)

    @property
    def background(self) -> Background:
        """The customers that explanations compare with."""
        return self._explainer.background

    def encode(self, customers: Sequence[Customer]) -> Matrix:
        """The feature matrix of validated customers."""
        return self._encoder.encode(customers)

    def probabilities(self, matrix: Matrix) -> Float64Array:
        """The probability of churn of each row of a feature matrix, by the fast ensemble.

        A row gets the same probability, bit for bit, alone and among others.
        """
        return np.asarray(expit(self._ensemble.log_odds(matrix)), dtype=np.float64)

    def intervals(self, customer: Customer) -> list[int] | None:
        """The intervals that a customer's values are in, for `probabilities_of`.

        Returns:
            None if a value is outside the training data: `answer` finds the warnings.
        """
        return self._customer_intervals.of(customer)

    def probabilities_of(self, intervals: Sequence[list[int]]) -> list[float]:
        """The probabilities of customers, the same bit for bit as `probabilities`.

        Args:
            intervals: The `intervals` of at least one customer.
        """
        found: list[float] = expit(self._ensemble.log_odds_of(intervals)).tolist()
        return found

    def find_warnings(self, values: Matrix) -> Mapping[int, list[AnswerWarning]]:
        """Values outside the training data, by row; see `WarningFinder.find`."""
        return self._finder.find(values) if self._finder is not None else {}

    def score_table(
        self, table: pd.DataFrame
    ) -> tuple[Float64Array, Mapping[int, list[AnswerWarning]]]:
        """Score a validated table with the sealed pipeline.

        Args:
            table: Customers, with at least the columns of `FEATURES`.

        Returns:
            The probability of churn of each row, and the warnings by row, counted from 0.
        """
        values = table_values(table)
        warnings = self.find_warnings(values)
        probability = self._stack.predict_proba(self._encoder.impute(values))[:, 1]
        return np.asarray(probability, dtype=np.float64), warnings

    def explain(self, matrix: Matrix) -> list[Explanation]:
        """The exact explanation of each row of a feature matrix."""
        return self._explainer.explain(matrix)

    def compare_with_shap(self, customers: Sequence[Customer]) -> None:
        """Compare the explanations of customers with those of `shap.TreeExplainer`.

        Raises:
            ShapDifferenceError: They differ.
        """
        check_contributions(self._stack, self._explainer, self.encode(customers))

    def answer(
        self,
        customers: Sequence[Customer],
        *,
        model_version: str,
        explain: bool = False,
        prediction_ids: Sequence[str | None] | None = None,
    ) -> list[Prediction]:
        """Score customers, with explanations on request.

        Args:
            customers: At least one customer.
            model_version: Version of the model, for the answers.
            explain: Whether to explain every customer, which takes milliseconds each.
            prediction_ids: The name of each answer in the prediction log; None if none is logged.
        """
        ids = [None] * len(customers) if prediction_ids is None else prediction_ids
        if len(customers) == 1 and not explain:
            intervals = self.intervals(customers[0])
            if intervals is not None:
                [probability] = self.probabilities_of([intervals])
                return [
                    self.prediction(probability, model_version=model_version, prediction_id=ids[0])
                ]
        values = customer_values(customers)
        warnings = self.find_warnings(values)
        matrix = self._encoder.impute(values)
        explanations: Sequence[Explanation | None] = (
            self.explain(matrix) if explain else [None] * len(matrix)
        )
        now = datetime.now(UTC)
        return [
            self.prediction(
                probability,
                model_version=model_version,
                prediction_id=name,
                now=now,
                explanation=why,
                warnings=warnings.get(row),
            )
            for row, (probability, why, name) in enumerate(
                zip(self.probabilities(matrix).tolist(), explanations, ids, strict=True)
            )
        ]

    def prediction(
        self,
        probability: float,
        *,
        model_version: str,
        prediction_id: str | None = None,
        now: datetime | None = None,
        explanation: Explanation | None = None,
        warnings: list[AnswerWarning] | None = None,
    ) -> Prediction:
        """The answer to one customer.

        Args:
            probability: The probability of churn.
            model_version: Version of the model.
            prediction_id: Its name in the prediction log; None if it is not logged.
            now: Time of the prediction, in UTC; the current time by default.
            explanation: The explanation, if it was asked for.
            warnings: Warnings of the customer's values.
        """
        return Prediction(
            churn_probability=probability,
            churn_prediction=1 if probability >= self.decision.threshold else 0,
            threshold=self.decision.threshold,
            risk_level=risk_level(probability),
            confidence=confidence(probability),
            feature_contributions=explanation.probability_contributions if explanation else {},
            explanation=explanation,
            warnings=warnings or [],
            model_version=model_version,
            prediction_timestamp=now or datetime.now(UTC),
            prediction_id=prediction_id,
        )

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden inputs by every code path of a service.

        Args:
            inputs: Customers as JSON objects, in the form of a request.

        Returns:
            ``pipeline_probability``: from the sealed pipeline, for the table of customers;
            ``request_probability``: from requests of one customer;
            ``batch_probability``: from one request of all customers;
            ``log_odds_contributions``: the explanation's base, then its contributions. For models
            with a training profile also ``explained_probability``: the probability that these add
            up to; ``pipeline_features`` and ``request_features``: the rows of the feature matrix
            of the table and of the requests.
        """
        customers = [Customer.model_validate(record) for record in inputs]
        table, matrix = customers_to_frame(customers), self.encode(customers)
        explained = self._explainer.contributions(matrix)
        base = self._explainer.base_log_odds
        answers: dict[str, Sequence[GoldenValue]] = {
            "pipeline_probability": probabilities(self.pipeline, table).tolist(),
            "request_probability": [
                prediction.churn_probability
                for customer in customers
                for prediction in self.answer([customer], model_version="")
            ],
            "batch_probability": self.probabilities(matrix).tolist(),
            "log_odds_contributions": [(base, *row) for row in explained.tolist()],
        }
        if self.profile is not None:
            # Golden sets of older models do not have these outputs.
            answers["explained_probability"] = expit(base + explained.sum(axis=1)).tolist()
            for name, rows in (
                ("pipeline_features", self._encoder.transform(table)),
                ("request_features", matrix),
            ):
                answers[name] = [tuple(row) for row in rows.astype(np.float64).tolist()]
        return answers

    def _check_ensemble(self, matrix: Matrix) -> None:
        sealed = self._stack.predict_proba(matrix)[:, 1]
        gap = float(np.abs(expit(self._ensemble.log_odds(matrix)) - sealed).max())
        # Not `gap > AGREEMENT`, which NaN would pass.
        if not gap <= AGREEMENT:
            raise EnsembleError(
                f"The fast ensemble is {gap:.3g} away from the sealed pipeline; {AGREEMENT:g} is "
                "allowed. treelite reads a learner differently from the library that trained it: "
                "install exactly what requirements-prod.txt pins."
            )


def pack(
    pipeline: Pipeline, background: Background, decision: Decision, profile: TrainingProfile
) -> dict[str, bytes]:
    """The files of a model by name, for `modelseal.seal` and `load`."""
    return {
        FILE_NAME: write_pipeline(pipeline),
        _BACKGROUND: background.to_json(),
        _DECISION: json.dumps(
            {"threshold": decision.threshold, "criterion": decision.criterion}
        ).encode(),
        _PROFILE: profile.model_dump_json().encode(),
    }


def load(files: Mapping[str, bytes]) -> ChurnPredictor:
    """Make a predictor from the files of a sealed model.

    Args:
        files: Verified contents by file name.

    Raises:
        UnsafePickleError: The pickle names or calls something that no pipeline needs.
        ProfileError: The model was trained on other inputs than `bankchurn.schema` defines.
    """
    # Before unpickling, because a pipeline of other inputs may not load.
    profile = TrainingProfile.model_validate_json(files[_PROFILE]) if _PROFILE in files else None
    if profile is not None:
        profile.check()
    pipeline = read_pipeline(files[FILE_NAME])
    decision = json.loads(files[_DECISION])
    background = Background.from_json(files[_BACKGROUND])
    return ChurnPredictor(pipeline, background, Decision(**decision), profile)
