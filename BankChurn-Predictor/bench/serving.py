"""What `make bench-serving` sends to this service, and the other ways to answer it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import local
from typing import Any

import pandas as pd
from bankchurn.model.pipeline_file import FILE_NAME, read_pipeline
from bankchurn.model.predictor import ChurnPredictor, load
from bankchurn.responses import Prediction
from bankchurn.schema import FEATURES, Customer
from sklearn.pipeline import Pipeline
from workload import Workload

PROBABILITY = "churn_probability"
CUSTOMER = {
    "CreditScore": 610,
    "Geography": "Germany",
    "Gender": "Female",
    "Age": 52,
    "Tenure": 2,
    "Balance": 121_000.0,
    "NumOfProducts": 1,
    "HasCrCard": 1,
    "IsActiveMember": 0,
    "EstimatedSalary": 102_000.0,
}
VERSION = "measured"


def workloads(work: Path) -> list[Workload]:
    """One customer's probability, and its explanation."""
    model = work / "model"

    @cache
    def pipeline() -> Pipeline:
        return read_pipeline((model / FILE_NAME).read_bytes())

    @cache
    def predictor() -> ChurnPredictor:
        # Not by modelseal, which refuses the other versions of FastAPI that some servers need.
        return load({file.name: file.read_bytes() for file in model.iterdir()})

    def probability(customer: Mapping[str, Any]) -> float:
        # The frame of one customer for each request, as the ancestor made it.
        frame = pd.DataFrame([customer], columns=list(FEATURES))
        return float(pipeline().predict_proba(frame)[0, 1])

    def expected() -> Mapping[str, Any]:
        return {PROBABILITY: probability(CUSTOMER)}

    def answers(explain: bool) -> Callable[[Sequence[Customer]], Sequence[Prediction]]:
        model_of_service = predictor()
        return lambda customers: model_of_service.answer(
            customers, model_version=VERSION, explain=explain
        )

    def plain() -> Callable[[Sequence[Mapping[str, Any]]], Sequence[float]]:
        model_of_pipeline = pipeline()

        def scores(customers: Sequence[Mapping[str, Any]]) -> Sequence[float]:
            frame = pd.DataFrame(list(customers), columns=list(FEATURES))
            found: list[float] = model_of_pipeline.predict_proba(frame)[:, 1].tolist()
            return found

        return scores

    def ancestor() -> Callable[[Customer], Mapping[str, Any]]:
        pipeline()
        return lambda customer: {PROBABILITY: probability(customer.model_dump())}

    def ancestor_explains() -> Callable[[Customer], Mapping[str, Any]]:
        import shap  # noqa: PLC0415 - seconds, for this way only

        stack = pipeline().named_steps["stack"]
        background = predictor().background.matrix
        # An explainer keeps the samples of the call in progress: two calls at once fail.
        of_thread = local()

        def explain(customer: Customer) -> Mapping[str, Any]:
            if not hasattr(of_thread, "kernel"):
                of_thread.kernel = shap.KernelExplainer(stack.decision_function, background)
            matrix = predictor().encode([customer])
            values = of_thread.kernel.shap_values(matrix, silent=True)[0].tolist()
            return {
                PROBABILITY: probability(customer.model_dump()),
                "feature_contributions": dict(zip(FEATURES, values, strict=True)),
            }

        return explain

    return [
        Workload(
            name="predict",
            method="POST",
            path="/predict",
            body=CUSTOMER,
            request=Customer,
            response=Prediction,
            expected=expected,
            model_code=lambda: answers(explain=False),
            pipeline=plain,
            pipeline_file=FILE_NAME,
            pipeline_number=PROBABILITY,
            ancestor=ancestor,
            peers=True,
        ),
        Workload(
            name="explain",
            method="POST",
            path="/predict?explain=true",
            body=CUSTOMER,
            request=Customer,
            response=Prediction,
            expected=expected,
            model_code=lambda: answers(explain=True),
            ancestor=ancestor_explains,
            # The ancestor takes a second or more for one, in all of its threads.
            connections=(1,),
            seconds=6,
        ),
    ]
