"""The sealed model of this service, by folder and digest."""

from typing import ClassVar

from servicekit.model_reference import ModelReference

from bankchurn.model.predictor import ChurnPredictor


class SealedChurn(ModelReference[ChurnPredictor]):
    """A sealed model of this service that any process can open."""

    name: ClassVar[str] = "bankchurn"
    kind: ClassVar[type[ChurnPredictor]] = ChurnPredictor
