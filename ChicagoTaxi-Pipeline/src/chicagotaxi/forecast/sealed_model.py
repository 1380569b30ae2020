"""The sealed model by folder and digest, opened and verified once in each process."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Final, Self

from modelseal import OpenedModel
from modelseal.manifest import read_manifest
from servicekit.models import check_model, open_model

from chicagotaxi.forecast.model import ForecastModel
from chicagotaxi.forecast.model_files import MODEL_NAME, DemandForecaster

_OPENING: Final = Lock()


@dataclass(frozen=True)
class SealedForecast:
    """A sealed model that any process can open.

    Attributes:
        folder: Absolute folder of the sealed model.
        sha256: SHA-256 of its manifest.
    """

    folder: Path
    sha256: str

    @classmethod
    def find(cls, folder: Path, sha256: str | None, signers: list[str] | None = None) -> Self:
        """Open the model in a folder.

        Args:
            folder: Folder of the sealed model.
            sha256: Expected SHA-256 of its manifest, if known.
            signers: Public keys, of which one must have signed it; None or empty to require no
                signature.

        Raises:
            SealedModelError: It is refused.
            DataError: It is a model of another service.
        """
        check_model(folder)
        _, found = read_manifest(folder, expected_sha256=sha256, signers=tuple(signers or ()))
        sealed = cls(folder.resolve(), found)
        sealed.opened()
        return sealed

    def opened(self) -> OpenedModel:
        """The model, verified in this process.

        Raises:
            SealedModelError: It is refused, for example because the manifest has changed.
            DataError: It is a model of another service.
        """
        with _OPENING:
            return _opened(self)[0]

    def forecaster(self) -> DemandForecaster:
        """The opened model's forecaster; raises as `opened` does."""
        with _OPENING:
            return _opened(self)[1]

    def model(self) -> ForecastModel:
        """The opened model's forecast; raises as `opened` does."""
        return self.forecaster().model


@lru_cache(maxsize=1)
def _opened(sealed: SealedForecast) -> tuple[OpenedModel, DemandForecaster]:
    # The signature was checked by `find`; from then on the digest identifies the model.
    return open_model(sealed.folder, sealed.sha256, None, name=MODEL_NAME, kind=DemandForecaster)
