"""A sealed model by folder and digest, opened and verified once in each process."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, cast

from modelseal import OpenedModel
from modelseal.manifest import read_manifest

from servicekit.models import check_model, open_model

K = TypeVar("K")

_OPENING: Final = Lock()


@dataclass(frozen=True)
class ModelReference(Generic[K]):
    """A sealed model that any process can open. A service derives a class.

    Attributes:
        name: Name of the service's models.
        kind: Class of its predictor.
        folder: Absolute folder of the sealed model.
        sha256: SHA-256 of its manifest.
    """

    name: ClassVar[str]
    kind: ClassVar[type[Any]]

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
        model = cls(folder.resolve(), found)
        with _OPENING:
            # Files may have changed since this process opened them.
            _opened.cache_clear()
        model.opened()
        return model

    def opened(self) -> OpenedModel:
        """The model, verified in this process.

        Raises:
            SealedModelError: It is refused, for example because the manifest has changed.
            DataError: It is a model of another service.
        """
        with _OPENING:
            return _opened(self)[0]

    def predictor(self) -> K:
        """The opened model's predictor; raises as `opened` does."""
        with _OPENING:
            return cast("K", _opened(self)[1])


@lru_cache(maxsize=1)
def _opened(model: ModelReference[Any]) -> tuple[OpenedModel, Any]:
    # The signature was checked by `find`; from then on the digest identifies the model.
    return open_model(model.folder, model.sha256, None, name=model.name, kind=model.kind)
