"""A challenge: split the data, train a challenger, score both models, decide."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from modelseal import Manifest, SealedModelError
from modelseal.manifest import read_manifest

from modelwatch.challenge import service_commands
from modelwatch.challenge.decision import Decision, Identity, decide, reject
from modelwatch.challenge.decision_files import CHALLENGER, REPORT
from modelwatch.challenge.declaration import Service
from modelwatch.challenge.gates import latency
from modelwatch.challenge.output import Files, check_folder, write_decision
from modelwatch.challenge.pairs import Entrant
from modelwatch.challenge.patch import promotion_patch
from modelwatch.challenge.release_file import ReleaseFile
from modelwatch.challenge.scores import Scores, ScoresError, read_scores
from modelwatch.challenge.service_commands import CommandError
from modelwatch.errors import ChallengeError

__all__ = ["Promotion", "challenge"]

_UNUSABLE: Final = {2, 75}
"""Exit statuses of services for input that cannot be used, or not now."""

_TIMED_AGAIN: Final = 3
"""How often both models are timed again, if the challenger seems too slow."""

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
        try:
            service_commands.split(service, data, champion, training, held_out)
        except CommandError as error:
            raise _undecided(error) from error
        models = _Models(service, champion, model, held_out, work / "scores.csv")
        notice("Scoring the champion")
        entrant = Entrant(manifest, sha256, models.score_champion())
        notice("Training the challenger")
        try:
            service_commands.train(service, training, model, report, train_options)
        except CommandError as error:
            if error.status in _UNUSABLE:
                raise _undecided(error) from error
            decision = reject(entrant, None, service.declaration, f"It was not trained: {error}")
        else:
            notice("Scoring the challenger")
            decision = _compare(entrant, models)
        patch = None
        if promotion is not None and decision.promoted and decision.challenger is not None:
            patch = promotion_patch(promotion[0], decision.challenger, promotion[1])
        sealed = model if decision.challenger is not None else None
        write_decision(Files(decision, patch, challenger=sealed, report=report), out)
    return decision


class _Models(NamedTuple):
    """Where the models of a challenge are, the rows that both score, and the last scores."""

    service: Service
    champion: Path
    challenger: Path
    held_out: Path
    scores: Path

    def score_champion(self) -> Scores:
        """Score the rows with the champion, which has to succeed."""
        try:
            return self._score(self.champion)
        except CommandError as error:
            raise _undecided(error) from error
        except ScoresError as error:
            raise ChallengeError(
                f"The scores of the champion cannot be used: {error}.",
                remedy="Correct the service's command `score`, or the declaration.",
            ) from error

    def score_challenger(self) -> Scores:
        """Score the rows with the challenger, which may fail."""
        return self._score(self.challenger)

    def _score(self, model: Path) -> Scores:
        # Never the scores of the model before, should the command write none.
        self.scores.unlink(missing_ok=True)
        service_commands.score(self.service, self.held_out, self.scores, model)
        return read_scores(self.scores, self.service.declaration)


def _compare(champion: Entrant, models: _Models) -> Decision:
    """Score the challenger and decide. A challenger that fails is rejected."""
    declaration = models.service.declaration
    identity: Identity | None = None
    try:
        manifest, sha256 = read_manifest(models.challenger)
        identity = Identity(manifest.name, manifest.version, sha256)
        challenger = Entrant(manifest, sha256, models.score_challenger())
        champion, challenger = _timed_again(champion, challenger, models)
    except SealedModelError as error:
        return reject(champion, identity, declaration, f"It is not a sealed model: {error}")
    except CommandError as error:
        return reject(champion, identity, declaration, f"It did not open or score: {error}")
    except ScoresError as error:
        return reject(champion, identity, declaration, f"Its scores cannot be used: {error}.")
    if manifest.name != champion.manifest.name:
        problem = f"It is a model of {manifest.name}, and the champion is {champion.manifest.name}."
        return reject(champion, identity, declaration, problem)
    return decide(champion, challenger, declaration)


def _timed_again(
    champion: Entrant, challenger: Entrant, models: _Models
) -> tuple[Entrant, Entrant]:
    """Both models with the least times of several turns, if the challenger seems too slow.

    A process that is timed while the machine does other work may take twice as long.
    """
    for _ in range(_TIMED_AGAIN):
        if latency(champion.scores, challenger.scores, models.service.declaration).passed:
            break
        own = models.score_champion()
        champion = champion._replace(scores=champion.scores.with_least_times(own))
        other = models.score_challenger()
        challenger = challenger._replace(scores=challenger.scores.with_least_times(other))
    return champion, challenger


def _read_champion(folder: Path) -> tuple[Manifest, str]:
    try:
        return read_manifest(folder)
    except SealedModelError as error:
        raise ChallengeError(
            f"The champion cannot be used: {error.message}", remedy=error.remedy
        ) from error


def _undecided(error: CommandError) -> ChallengeError:
    return ChallengeError(f"Nothing was decided. {error}", remedy="Nothing was written.")
