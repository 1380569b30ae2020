"""A challenge: split the data, train a challenger, score both models, decide."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from modelseal import Manifest, SealedModelError
from modelseal.manifest import read_manifest

from modelwatch.challenge import service_commands
from modelwatch.challenge.decision import Decision, Identity, decide, reject
from modelwatch.challenge.decision_files import CHALLENGER, REPORT
from modelwatch.challenge.declaration import Service
from modelwatch.challenge.output import Files, check_folder, write_decision
from modelwatch.challenge.pairs import Entrant
from modelwatch.challenge.patch import promotion_patch
from modelwatch.challenge.release_file import ReleaseFile
from modelwatch.challenge.scores import ScoresError, read_scores
from modelwatch.challenge.service_commands import CommandError
from modelwatch.errors import ChallengeError

__all__ = ["Promotion", "challenge"]

_UNUSABLE: Final = {2, 75}
"""Exit statuses of services for input that cannot be used, or not now."""

Promotion = tuple[ReleaseFile, str]
"""The release file to patch, and the address that the challenger will have."""


def challenge(
    service: Service,
    champion: Path,
    data: Path,
    out: Path,
    *,
    train_options: Sequence[str] = (),
    promotion: Promotion | None = None,
    notice: Callable[[str], None],
) -> Decision:
    """Train a challenger, compare it with the champion, and write the decision.

    Args:
        service: The service.
        champion: Folder of the sealed model that is in use.
        data: Table with outcomes, in the form that the service's ``train`` takes. Rows that are
            split off are not trained on.
        out: Folder for the decision, the challenger and its report. It replaces the folder of an
            earlier decision.
        train_options: More options of the service's ``train``.
        promotion: What the patch of a promotion changes; None for no patch.
        notice: Called with a sentence when a step begins.

    Raises:
        ChallengeError: Nothing could be decided: the data, the champion or a file cannot be used,
            or there are too few rows that the champion was not trained on. Nothing was written.
    """
    champion, data, out = (path.resolve() for path in (champion, data, out))
    check_folder(out)
    manifest, sha256 = _read_champion(champion)
    if promotion is not None:
        release, uri = promotion
        # Refused before the training rather than after it.
        promotion_patch(release, Identity(manifest.name, manifest.version, sha256), uri)
    # Its files are copies of the data: they do not stay.
    with tempfile.TemporaryDirectory(prefix="modelwatch-") as name:
        work = Path(name)
        training, held_out = work / "training.csv", work / "held-out.csv"
        model, report = work / CHALLENGER, work / REPORT
        notice("Splitting the data")
        _as_champion(lambda: service_commands.split(service, data, champion, training, held_out))
        notice("Scoring the champion")
        scores = work / "champion.csv"
        _as_champion(lambda: service_commands.score(service, held_out, scores, champion))
        try:
            of_champion = read_scores(scores, service.declaration)
        except ScoresError as error:
            raise ChallengeError(
                f"The scores of the champion cannot be used: {error}.",
                remedy="Correct the service's command `score`, or the declaration.",
            ) from error
        entrant = Entrant(manifest, sha256, of_champion)
        notice("Training the challenger")
        try:
            service_commands.train(service, training, model, report, train_options)
        except CommandError as error:
            if error.status in _UNUSABLE:
                raise _undecided(error) from error
            decision = reject(entrant, None, service.declaration, f"It was not trained: {error}")
        else:
            notice("Scoring the challenger")
            decision = _compare(service, entrant, model, held_out, work / "challenger.csv")
        patch = None
        if promotion is not None and decision.promoted and decision.challenger is not None:
            patch = promotion_patch(promotion[0], decision.challenger, promotion[1])
        sealed = model if decision.challenger is not None else None
        write_decision(Files(decision, patch, challenger=sealed, report=report), out)
    return decision


def _compare(
    service: Service, champion: Entrant, model: Path, held_out: Path, scores: Path
) -> Decision:
    """Score the challenger and decide. A challenger that fails is rejected."""
    declaration = service.declaration
    identity: Identity | None = None
    try:
        manifest, sha256 = read_manifest(model)
        identity = Identity(manifest.name, manifest.version, sha256)
        service_commands.score(service, held_out, scores, model)
        of_challenger = read_scores(scores, declaration)
    except SealedModelError as error:
        return reject(champion, identity, declaration, f"It is not a sealed model: {error}")
    except CommandError as error:
        return reject(champion, identity, declaration, f"It did not open or score: {error}")
    except ScoresError as error:
        return reject(champion, identity, declaration, f"Its scores cannot be used: {error}.")
    if manifest.name != champion.manifest.name:
        problem = f"It is a model of {manifest.name}, and the champion is {champion.manifest.name}."
        return reject(champion, identity, declaration, problem)
    return decide(champion, Entrant(manifest, sha256, of_challenger), declaration)


def _read_champion(folder: Path) -> tuple[Manifest, str]:
    try:
        return read_manifest(folder)
    except SealedModelError as error:
        raise ChallengeError(
            f"The champion cannot be used: {error.message}", remedy=error.remedy
        ) from error


def _as_champion(run: Callable[[], None]) -> None:
    """Run a command that the champion and the data have to pass."""
    try:
        run()
    except CommandError as error:
        raise _undecided(error) from error


def _undecided(error: CommandError) -> ChallengeError:
    return ChallengeError(f"Nothing was decided. {error}", remedy="Nothing was written.")
