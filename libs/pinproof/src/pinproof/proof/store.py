"""Remembers finished steps and sealed models by the content of what they came from."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from pydantic import JsonValue

from pinproof.proof.cache_dirs import NEW, remove_leftovers, remove_unused, staged

__all__ = ["Step", "Store", "digest", "write_atomically"]

Step = dict[str, JsonValue]

_STEPS, _MODELS = 500, 40
_SKIPPED = frozenset({"build", "dist", "tests", "__pycache__"})
_CODE = frozenset({".cfg", ".py", ".toml"})


class Store:
    """A folder of finished steps. Each is written as a whole, so a killed run leaves no half.

    Args:
        folder: Where they lie; it is created.
    """

    def __init__(self, folder: Path) -> None:
        self._steps = folder.absolute() / "steps"
        self._models = folder.absolute() / "models"
        for place in (self._steps, self._models):
            place.mkdir(parents=True, exist_ok=True)
            remove_leftovers(place)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        _keep_newest(self._steps, _STEPS)
        _keep_newest(self._models, _MODELS)

    def step(self, parts: Iterable[str], work: Callable[[], Step]) -> Step:
        """What a step found, from an earlier run with the same parts or by doing it now."""
        path = self._steps / f"{digest(parts)}.json"
        with suppress(OSError, ValueError):
            found: Step = json.loads(path.read_bytes())
            path.touch()
            return found
        answer = work()
        write_atomically(path, json.dumps(answer))
        return answer

    def folder(self, parts: Iterable[str], fill: Callable[[Path], None]) -> Path:
        """A folder that an earlier run filled, or that is filled now and then put in its place.

        Whatever `fill` raises, nothing is left.
        """
        place = self._models / digest(parts)
        if place.is_dir():
            os.utime(place)
            return place
        with staged(place) as staging:
            fill(staging)
        return place


def digest(parts: Iterable[str]) -> str:
    """A short digest of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def digest_of_code(folders: Iterable[Path]) -> str:
    """A digest of the code in folders of source, without tests and whatever is generated."""
    parts = []
    for folder in folders:
        for base, names, files in os.walk(folder):
            names[:] = sorted(
                name
                for name in names
                if name not in _SKIPPED and not name.startswith(".") and "." not in name
            )
            for file in sorted(files):
                path = Path(base) / file
                if path.suffix in _CODE:
                    parts += [str(path), hashlib.sha256(path.read_bytes()).hexdigest()]
    return digest(parts)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is at any time the old one or the new one."""
    handle, name = tempfile.mkstemp(prefix=NEW, dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _keep_newest(folder: Path, count: int) -> None:
    complete = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for path in sorted(complete, key=lambda path: path.stat().st_mtime, reverse=True)[count:]:
        if path.is_dir():
            remove_unused(path)
        else:
            path.unlink(missing_ok=True)
