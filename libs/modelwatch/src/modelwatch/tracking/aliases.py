"""The aliases of registered models.

``challenger`` is the model that was compared last. ``champion`` is the model that a release file
names: promotion is a commit, and nothing else moves it.
"""

from collections.abc import Mapping
from typing import Final

from modelwatch.errors import TrackingError
from modelwatch.tracking.mlflow_server import RecordedVersion, TrackingServer

__all__ = ["CHALLENGER", "CHAMPION", "move_champions", "name_challenger"]

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"

_TIME_TAG: Final = "challenge.time"


def name_challenger(
    server: TrackingServer, version: RecordedVersion, *, decision: str, time: str
) -> bool:
    """Tag a version with a decision, and give it the alias ``challenger``.

    Args:
        server: The server.
        version: The version.
        decision: The decision.
        time: Time of the decision in UTC, in ISO form.

    Returns:
        Whether it has the alias. A decision that is recorded late does not take it from a later
        one.

    Raises:
        TrackingError: The server does not answer or refuses.
    """
    server.set_tags(version, {_TIME_TAG: time, "challenge.decision": decision})
    current = server.version_with_alias(version.name, CHALLENGER)
    if current is not None and current.tags.get(_TIME_TAG, "") > time:
        return False
    server.set_alias(version, CHALLENGER)
    return True


def move_champions(server: TrackingServer, models: Mapping[str, str]) -> list[RecordedVersion]:
    """Give the alias ``champion`` to the models that a release file names.

    A champion that had the alias ``challenger`` loses that one.

    Args:
        server: The server.
        models: The SHA-256 of each model's manifest, by its name.

    Returns:
        Their versions.

    Raises:
        TrackingError: A model is not registered, and no alias was moved; or the server does not
            answer or refuses.
    """
    found = {name: server.find_version(name, sha256) for name, sha256 in models.items()}
    if missing := sorted(name for name, version in found.items() if version is None):
        raise TrackingError(
            f"Not recorded: {', '.join(f'{name} {models[name][:12]}…' for name in missing)}. No "
            "alias was moved.",
            remedy="Record these models with `modelwatch track FOLDER`.",
        )
    versions = [version for version in found.values() if version is not None]
    for version in versions:
        server.set_alias(version, CHAMPION)
        challenger = server.version_with_alias(version.name, CHALLENGER)
        if challenger is not None and challenger.version == version.version:
            server.remove_alias(version.name, CHALLENGER)
    return versions
