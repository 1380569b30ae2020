"""What a service declares for the loop: the table ``loop`` of its service.toml.

``loop/traffic.py`` in its folder makes the rows. It runs in the service's environment, with a
folder and the options ``--history ROWS --per-day ROWS --first DAY --drift DAY --end DAY``, and
writes two files there. Each line of ``history.jsonl`` is a JSON object with ``row``, the fields of
a request, and ``outcome``: what the champion is trained on. Those of ``traffic.jsonl`` also have
``day``, such as ``2026-01-05``, and are sorted by it; the rows from the drift on are of a changed
world.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service_files import read_service

__all__ = ["LoopedService", "NotDeclaredError", "read_declaration"]

_TEXTS: Final = ("path", "rows", "answers", "outcome", "drift")


class NotDeclaredError(Exception):
    """The service does not declare the loop, or not completely."""


@dataclass(frozen=True)
class LoopedService:
    """A service with a loop.

    Attributes:
        folder: Its folder.
        package: Its import package, and the name of its models.
        path: Path of the endpoint that takes rows, with POST.
        rows: Field of the request's body with the rows.
        answers: Field of the answer with an answer for each row, which has ``prediction_id``.
        outcome: Column of the outcome in tables to train on.
        drift: What changes in the world, in a sentence or two.
        train: Further arguments of ``train``.
    """

    folder: Path
    package: str
    path: str
    rows: str
    answers: str
    outcome: str
    drift: str
    train: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.folder / ".venv" / "bin" / "python"


def read_declaration(folder: Path) -> LoopedService:
    """Read what a service declares.

    Raises:
        NotDeclaredError: It does not declare the loop, or a field is missing or unknown.
        ServiceFileError: Its service.toml cannot be used.
    """
    service = read_service(folder)
    table: dict[str, Any] = dict(service.loop)
    known = {*_TEXTS, "train"}
    if wrong := sorted(table.keys() ^ known):
        raise NotDeclaredError(
            f"{folder.name}/service.toml: the table [loop] needs exactly {', '.join(sorted(known))}"
            f"; see {', '.join(wrong)}"
        )
    return LoopedService(
        folder=folder.resolve(),
        package=service.package,
        train=tuple(map(str, table.pop("train"))),
        **{name: str(value) for name, value in table.items()},
    )
