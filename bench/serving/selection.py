"""Selects the servers to measure by a pattern that is searched in ``SERVICE: SERVER``."""

import re
from collections.abc import Sequence

import contestants
import peers


class NothingSelectedError(Exception):
    """No server matches the pattern; the message lists what it can match."""


def is_selected(only: re.Pattern[str], service: str, server: str) -> bool:
    """Whether a server is measured.

    Args:
        only: The pattern.
        service: Folder name of the service whose requests the server answers.
        server: Name of the server.
    """
    return only.search(f"{service}: {server}") is not None


def select_services(services: Sequence[str], only: re.Pattern[str]) -> list[str]:
    """The services to train: those for which a server may match.

    Raises:
        NothingSelectedError: No server of any service can match.
    """
    servers = [*contestants.OWN, *peers.all_names()]
    selected = [one for one in services if any(is_selected(only, one, name) for name in servers)]
    if not selected:
        raise NothingSelectedError(
            f"No server matches {only.pattern!r}. The pattern is searched in 'SERVICE: SERVER'.\n"
            f"Services: {', '.join(services)}.\nServers: {'; '.join(servers)}."
        )
    return selected
