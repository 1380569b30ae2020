"""Caches the results of steps and sealed models by a digest of their inputs."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from pydantic import JsonValue

from pinproof.closure.replace_files import replace_files
from pinproof.proof.cache_dirs import create_folder, remove_leftovers, remove_unused

StepResult = dict[str, JsonValue]

_STEPS, _MODELS = 500, 40
_SKIPPED = frozenset({"build", "dist", "tests", "__pycache__"})
_CODE = frozenset({".cfg", ".py", ".toml"})


class StepCache:
    """A cache of finished steps, each complete or absent.

    Args:
        folder: The folder of the cache. It is created.
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

    def step(self, parts: Iterable[str], work: Callable[[], StepResult]) -> StepResult:
        """The result of a step, from the cache or by doing it now."""
        path = self._steps / f"{digest(parts)}.json"
        with suppress(OSError, ValueError):
            found: StepResult = json.loads(path.read_bytes())
            path.touch()
            return found
        answer = work()
        replace_files({path: json.dumps(answer)})
        return answer

    def folder(self, parts: Iterable[str], fill: Callable[[Path], None]) -> Path:
        """A folder from the cache, or one that is filled now.

        If `fill` raises an error, the folder is removed.
        """
        place = self._models / digest(parts)
        if place.is_dir():
            os.utime(place)
            return place
        with create_folder(place) as staging:
            fill(staging)
        return place


def digest(parts: Iterable[str]) -> str:
    """A short digest of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def digest_of_code(folders: Iterable[Path]) -> str:
    """A digest of the code in source folders, without tests and generated files."""
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


def _keep_newest(folder: Path, count: int) -> None:
    complete = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for path in sorted(complete, key=lambda path: path.stat().st_mtime, reverse=True)[count:]:
        if path.is_dir():
            remove_unused(path)
        else:
            path.unlink(missing_ok=True)
