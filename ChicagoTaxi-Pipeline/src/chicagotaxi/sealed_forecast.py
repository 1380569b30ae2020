"""The sealed model by place and digest: opened and proven once in a process, whichever it is."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from servicekit.models import check_model, open_model

from chicagotaxi.model import MODEL_NAME, DemandForecaster

if TYPE_CHECKING:
    from modelseal import OpenedModel

    from chicagotaxi.forecast import ForecastModel

__all__ = ["SealedForecast"]

_OPENING: Final = Lock()


@dataclass(frozen=True)
class SealedForecast:
    """A sealed model, wherever its folder can be seen.

    Attributes:
        folder: Of the sealed model, absolute.
        sha256: The SHA-256 of its manifest.
    """

    folder: Path
    sha256: str

    @classmethod
    def find(cls, folder: Path, sha256: str | None, signers: list[str] | None = None) -> Self:
        """The model in a folder, which is opened.

        Args:
            folder: Of the sealed model.
            sha256: What the SHA-256 of its manifest must be, where that is known.
            signers: Public keys, of which one must have signed it; None or empty where no
                signature is asked for.

        Raises:
            SealedModelError: It is refused.
            DataError: It is a model of another service.
        """
        from modelseal.manifest import read_manifest  # noqa: PLC0415

        check_model(folder)
        _, found = read_manifest(folder, expected_sha256=sha256, signers=tuple(signers or ()))
        sealed = cls(folder.resolve(), found)
        sealed.opened()
        return sealed

    def opened(self) -> "OpenedModel":
        """The model, verified and proven in this process.

        Raises:
            SealedModelError: It is refused, such as where another manifest stands there.
            DataError: It is a model of another service.
        """
        with _OPENING:
            return _opened(self)[0]

    def forecaster(self) -> "DemandForecaster":
        """What it becomes when it is opened, likewise."""
        with _OPENING:
            return _opened(self)[1]

    def model(self) -> "ForecastModel":
        """Its forecast, likewise."""
        return self.forecaster().model


@lru_cache(maxsize=1)
def _opened(sealed: SealedForecast) -> "tuple[OpenedModel, DemandForecaster]":
    # Whose it is was asked when it was found; since then its digest says which it is.
    return open_model(sealed.folder, sealed.sha256, None, name=MODEL_NAME, kind=DemandForecaster)
