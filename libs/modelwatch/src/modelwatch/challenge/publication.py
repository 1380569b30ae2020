"""Publishes a decision next to its challenger: in a bucket, where people find both."""

from pathlib import Path
from typing import Final, NamedTuple

from modelseal.records import first_error
from pydantic import BaseModel, ValidationError

from modelwatch.challenge.decision import Identity
from modelwatch.challenge.decision_files import DECISION, PAGE, PATCH
from modelwatch.challenge.patch import promotion_patch
from modelwatch.challenge.release_file import ReleaseFile
from modelwatch.errors import ChallengeError
from modelwatch.store import FileBasedStore

__all__ = ["Published", "publish_decision"]

_ADVICE: Final = "Give the folder that `modelwatch challenge` wrote."


class _Model(BaseModel):
    name: str
    version: str
    sha256: str


class _Gate(BaseModel):
    name: str
    passed: bool
    reason: str


class _Decision(BaseModel):
    decision: str
    challenger: _Model | None
    gates: list[_Gate]


class Published(NamedTuple):
    """A decision that was published.

    Attributes:
        challenger: The challenger.
        promoted: Whether it passed every gate.
        failed: For each gate that it failed, its name and the reason.
        patch: The patch of the release file; None if it is not promoted, or without a file.
    """

    challenger: Identity
    promoted: bool
    failed: list[tuple[str, str]]
    patch: str | None


def publish_decision(
    folder: Path, store: FileBasedStore, uri: str, release: ReleaseFile | None
) -> Published:
    """Write decision.json, decision.html and, for a promoted challenger, promotion.patch.

    Args:
        folder: The folder that a challenge wrote.
        store: Where the files are written.
        uri: Address of the challenger.
        release: The release file to patch; None for no patch.

    Raises:
        ChallengeError: The folder has no decision that can be read, or no challenger, or the
            release file cannot be patched. Nothing was written.
        StoreError: A file cannot be written.
    """
    try:
        raw, page = (folder / DECISION).read_bytes(), (folder / PAGE).read_bytes()
        decision = _Decision.model_validate_json(raw)
    except OSError as error:
        raise ChallengeError(f"{error.filename}: {error.strerror}.", remedy=_ADVICE) from error
    except ValidationError as error:
        raise ChallengeError(
            f"{folder / DECISION} is not a decision: {first_error(error)}.", remedy=_ADVICE
        ) from error
    if decision.challenger is None:
        raise ChallengeError(
            f"{folder} has no challenger, because none was sealed.",
            remedy="Correct the training: the gate `runs` has the reason.",
        )
    challenger = Identity(**decision.challenger.model_dump())
    promoted = decision.decision == "promoted"
    patch = promotion_patch(release, challenger, uri) if promoted and release else None
    files = {DECISION: raw, PAGE: page}
    if patch is not None:
        files[PATCH] = patch.encode()
    for name, contents in files.items():
        store.put(name, contents)
    failed = [(gate.name, gate.reason) for gate in decision.gates if not gate.passed]
    return Published(challenger, promoted, failed, patch)
