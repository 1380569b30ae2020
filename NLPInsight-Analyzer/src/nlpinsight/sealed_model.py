"""The sealed model of this service, by folder and digest."""

from typing import ClassVar

from servicekit.model_reference import ModelReference

from nlpinsight.model import SentimentModel


class SealedSentiment(ModelReference[SentimentModel]):
    """A sealed model of this service, of either back end, that any process can open."""

    name: ClassVar[str] = "nlpinsight"
    # Only isinstance uses it, which accepts an abstract class.
    kind: ClassVar[type[SentimentModel]] = SentimentModel  # type: ignore[type-abstract]
