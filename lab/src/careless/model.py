"""The model of the careless service: one object, pickled by joblib."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd

from careless.features import encode
from careless.stack import make_pipeline

MODEL_FILE: Final = "model.joblib"
OUTPUT: Final = "churn_probability"
TARGET: Final = "Exited"

Probabilities = npt.NDArray[np.float64]


class Model:
    """A fitted pipeline, and the style of the features that it was fitted on."""

    def __init__(self, pipeline: Any, style: str) -> None:  # noqa: ANN401 - scikit-learn has no types
        self.pipeline = pipeline
        self.style = style

    @classmethod
    def fit(cls, customers: pd.DataFrame, style: str, *, trees: int, seed: int = 42) -> Self:
        """Fit on customers with a known outcome."""
        pipeline = make_pipeline(trees, seed=seed)
        return cls(pipeline.fit(encode(customers, style), customers[TARGET]), style)

    def probabilities(self, customers: pd.DataFrame) -> Probabilities:
        """The probability of each customer to leave."""
        found: Probabilities = self.pipeline.predict_proba(encode(customers, self.style))[:, 1]
        return found

    def replay(self, inputs: Sequence[Any]) -> Mapping[str, list[float]]:
        """Answer golden customers for `modelseal`."""
        # A table whose every Tenure is None would have a column of objects.
        customers = pd.DataFrame(list(inputs)).astype({"Tenure": "float64"})
        return {OUTPUT: self.probabilities(customers).tolist()}


def load(files: Mapping[str, bytes]) -> Model:
    """The loader that is registered with `modelseal`."""
    model: Model = joblib.load(io.BytesIO(files[MODEL_FILE]))
    return model
