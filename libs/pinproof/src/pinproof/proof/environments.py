"""Creates environments from requirements files, and caches them.

An environment is resolved first. Its key is a digest of its contents: every version, the
interpreter, and the project files of the first-party folders. So a cached environment is never
stale: if the index has a newer patch, the key is different.

An environment is created in a temporary folder, and renamed when it is complete. The next run
removes the temporary folders of killed runs. Environments in use are locked; the least recently
used others are removed if all together exceed the limit.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pinproof.closure.uv import run_uv
from pinproof.errors import PinproofError
from pinproof.proof.cache_dirs import (
    create_folder,
    lock_shared,
    remove_leftovers,
    remove_unused,
)

_TIMEOUT_S = 1800
_RECORD = "environment.json"
_DESCRIPTIONS = frozenset({".cfg", ".py", ".toml", ".txt"})

Resolution = Literal["highest", "lowest-direct"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The input of an environment.

    Attributes:
        requirements: Requirements files. Their `-r` and `-c` lines are followed.
        python: The interpreter.
        resolution: Whether to choose the highest versions, or the lowest of direct requirements.
        overrides: Requirements that replace all others on the same distribution.
        excluded: Distributions that are never installed.
        first_party: Source folders that are installed in place, without their dependencies.
    """

    requirements: tuple[Path, ...]
    python: Path
    resolution: Resolution = "highest"
    overrides: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    first_party: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """A complete environment.

    Attributes:
        key: The digest of its contents.
        folder: The folder.
        pins: Its distributions without first-party folders, as `name==version`, sorted.
    """

    key: str
    folder: Path
    pins: tuple[str, ...]

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.folder / "bin" / "python"


class EnvironmentCache:
    """A cache of environments.

    Args:
        folder: The folder of the cache. It is created, and ignored by git.
        uv: The path of uv.
        limit_bytes: The largest size of all environments. Those in use are never removed.
        log: Called with a line of text at each step.
    """

    def __init__(
        self,
        folder: Path,
        uv: Path,
        *,
        limit_bytes: int = 8 * 2**30,
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder.absolute()
        self._uv = uv
        self._limit = limit_bytes
        self._log = log

    def resolve(self, recipe: Recipe) -> tuple[str, ...]:
        """The distributions of an environment, as `name==version`, sorted.

        Raises:
            UnsatisfiableError: No set of versions satisfies the requirements.
            UvError: uv fails otherwise.
        """
        with tempfile.TemporaryDirectory(prefix="pinproof-resolve-") as name:
            folder = Path(name)
            options = ["--no-header", "--no-annotate", "--quiet", "--resolution", recipe.resolution]
            options += ["--python", str(recipe.python)]
            for option, lines in (("overrides", recipe.overrides), ("excludes", recipe.excluded)):
                if lines:
                    (folder / option).write_text("".join(f"{line}\n" for line in lines), "utf-8")
                    options += [f"--{option}", str(folder / option)]
            arguments = ["pip", "compile", *map(str, recipe.requirements), *options]
            compiled = self._run_uv(arguments, folder)
        pins = (line.partition(";")[0].strip() for line in compiled.splitlines())
        return tuple(sorted(pin for pin in pins if "==" in pin))

    @contextmanager
    def environment(self, recipe: Recipe) -> Iterator[Environment]:
        """Resolve an environment, create it unless it is cached, and lock it while it is used.

        Raises:
            UnsatisfiableError: No set of versions satisfies the requirements.
            PinproofError: uv fails otherwise, or the cache cannot be written.
        """
        pins = self.resolve(recipe)
        key = _key(pins, recipe)
        self._prepare()
        place = self._folder / key
        lock = lock_shared(place, _RECORD)
        while lock is None:
            self._make(place, pins, recipe)
            lock = lock_shared(place, _RECORD)
        try:
            (place / _RECORD).touch()
            self._shrink()
            yield Environment(key, place, pins)
        finally:
            os.close(lock)

    def _prepare(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise PinproofError(
                f"The cache {self._folder.name} cannot be written: {error.strerror}.",
                remedy="Make it writable, or name another folder with --cache.",
            ) from error
        remove_leftovers(self._folder)

    def _make(self, place: Path, pins: tuple[str, ...], recipe: Recipe) -> None:
        self._log(f"creating an environment of {len(pins)} distributions")
        with create_folder(place) as staging:
            self._install(staging, pins, recipe)
            record = {"pins": pins, "bytes": _size(staging)}
            (staging / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")

    def _install(self, folder: Path, pins: tuple[str, ...], recipe: Recipe) -> None:
        listed = folder / "pins.txt"
        listed.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
        base = str(recipe.python)
        venv = ["venv", "--allow-existing", "--relocatable", "--python", base, str(folder)]
        self._run_uv(venv, folder)
        into = ["pip", "install", "--python", str(folder / "bin" / "python"), "--no-deps"]
        if pins:
            self._run_uv([*into, "-r", str(listed)], folder)
        if recipe.first_party:
            sources = [part for path in recipe.first_party for part in ("-e", str(path))]
            self._run_uv([*into, *sources], folder)

    def _run_uv(self, arguments: Sequence[str], folder: Path) -> str:
        return run_uv(
            self._uv, arguments, folder=folder, timeout_s=_TIMEOUT_S, purpose="make the environment"
        )

    def _shrink(self) -> None:
        """Remove the least recently used environments until the rest is within the limit."""
        found = []
        for record in self._folder.glob(f"*/{_RECORD}"):
            # Another process may have removed it.
            with suppress(OSError, ValueError):
                size = int(json.loads(record.read_bytes())["bytes"])
                found.append((record.stat().st_mtime, size, record.parent))
        total = sum(size for _, size, _ in found)
        for _, size, place in sorted(found):
            if total <= self._limit:
                break
            if remove_unused(place):
                total -= size


def _key(pins: tuple[str, ...], recipe: Recipe) -> str:
    described = [*pins, str(recipe.python.absolute()), str(recipe.python.resolve())]
    for folder in recipe.first_party:
        described.append(str(folder.absolute()))
        for file in sorted(folder.iterdir()):
            if file.is_file() and file.suffix in _DESCRIPTIONS:
                described += [file.name, hashlib.sha256(file.read_bytes()).hexdigest()]
    return hashlib.sha256("\n".join(described).encode()).hexdigest()[:20]


def _size(folder: Path) -> int:
    return sum(
        (Path(base) / name).lstat().st_size for base, _, names in os.walk(folder) for name in names
    )
