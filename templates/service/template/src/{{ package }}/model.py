"""The model, and the predictor that a service loads from a sealed one.

The classifier is scikit-learn's logistic regression. Its fitted parameters are stored as JSON, so
that no pickle is needed; the documentation of modelseal shows how to read one safely if another
classifier needs it. `load` is the entry point that modelseal calls (group ``modelseal.loaders``).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, Self

import numpy as np
from modelseal import GoldenValue
from pydantic import BaseModel, ConfigDict, JsonValue
from sklearn.linear_model import LogisticRegression

from {{ package }}.arrays import Float64Array
from {{ package }}.data import Table, read_record
from {{ package }}.features import Encoder, known_values
from {{ package }}.responses import Prediction
from {{ package }}.schema import FEATURES, Record
from {{ package }}.training_profile import TrainingProfile

FILE_NAME: Final = "model.json"

THRESHOLD: Final = 0.5
"""Probability from which 1 is predicted, if a mistake of either kind costs as much."""

# Newton's method converges to the last digits, so that every processor trains the same model.
PARAMETERS: Final[dict[str, JsonValue]] = {"C": 1.0, "solver": "newton-cholesky"}


class FittedModel(BaseModel):
    """Everything that training learned: the contents of `FILE_NAME`.

    Attributes:
        format: Version of this format.
        encoder: Turns known values into the feature matrix.
        coefficients: Coefficient of each column of the feature matrix.
        intercept: The log-odds of a record whose features are all 0.
        threshold: Probability from which 1 is predicted.
        profile: Profile of the training data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    encoder: Encoder
    coefficients: tuple[float, ...]
    intercept: float
    threshold: float
    profile: TrainingProfile

    @classmethod
    def fit(cls, table: Table) -> Self:
        """Fit a model. The same table gives the same model."""
        encoder = Encoder.fit(table.values)
        classifier = LogisticRegression(**PARAMETERS)
        classifier.fit(encoder.transform(table.values), table.target)
        return cls(
            encoder=encoder,
            coefficients=tuple(classifier.coef_[0].tolist()),
            intercept=float(classifier.intercept_[0]),
            threshold=THRESHOLD,
            profile=TrainingProfile.of(table.values),
        )

    def pack(self) -> dict[str, bytes]:
        """The files of the model by name, for `modelseal.seal` and `load`."""
        return {FILE_NAME: self.model_dump_json(indent=1).encode()}


class Predictor:
    """Scores records.

    Args:
        fitted: What training learned.
    """

    def __init__(self, fitted: FittedModel) -> None:
        self.fitted = fitted
        self._classifier = LogisticRegression(**PARAMETERS)
        self._classifier.classes_ = np.array([0, 1], dtype=np.int64)
        self._classifier.coef_ = np.array([fitted.coefficients], dtype=np.float64)
        self._classifier.intercept_ = np.array([fitted.intercept], dtype=np.float64)

    def probabilities(self, values: Float64Array) -> Float64Array:
        """The probability of each row of known values."""
        matrix = self.fitted.encoder.transform(values)
        return np.asarray(self._classifier.predict_proba(matrix)[:, 1], dtype=np.float64)

    def answer(
        self,
        records: Sequence[Record],
        *,
        model_version: str,
        prediction_ids: Sequence[str | None] | None = None,
    ) -> list[Prediction]:
        """Score records.

        Args:
            records: At least one record.
            model_version: Version of the model, for the answers.
            prediction_ids: The name of each answer in the prediction log; None if none is logged.
        """
        values = known_values(records)
        warnings = self.fitted.profile.find_warnings(values)
        now = datetime.now(UTC)
        return [
            Prediction(
                probability=probability,
                prediction=1 if probability >= self.fitted.threshold else 0,
                threshold=self.fitted.threshold,
                warnings=warnings.get(row, []),
                model_version=model_version,
                prediction_timestamp=now,
                prediction_id=name,
            )
            for row, (probability, name) in enumerate(
                zip(
                    self.probabilities(values).tolist(),
                    prediction_ids or [None] * len(records),
                    strict=True,
                )
            )
        ]

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden inputs by every code path of the service.

        Args:
            inputs: Records as JSON objects, in the form of a request.

        Returns:
            The probability by requests of one record, by one request of all, and from the cells of
            a table; and the feature matrix.
        """
        records = [Record.model_validate(one) for one in inputs]
        from_cells = [read_record(_cells(record)) for record in records]
        features = self.fitted.encoder.transform(known_values(records))
        return {
            "request_probability": [
                float(self.probabilities(known_values([record]))[0]) for record in records
            ],
            "batch_probability": self.probabilities(known_values(records)).tolist(),
            "table_probability": self.probabilities(known_values(from_cells)).tolist(),
            "features": [tuple(row) for row in features.tolist()],
        }


def load(files: Mapping[str, bytes]) -> Predictor:
    """Make a predictor from the files of a sealed model.

    Args:
        files: Verified contents by file name.

    Raises:
        ProfileError: The model was trained on other inputs than `Record` has.
    """
    fitted = FittedModel.model_validate_json(files[FILE_NAME])
    fitted.profile.check()
    return Predictor(fitted)


def _cells(record: Record) -> dict[str, str]:
    values = ((name, getattr(record, name)) for name in FEATURES)
    return {name: "" if value is None else str(value) for name, value in values}
