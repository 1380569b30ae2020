"""Makes environments from requirement files, and keeps them between runs.

An environment is resolved first, and its key is a digest of what it will hold: every version, the
interpreter, and how the first-party folders describe themselves. So a cached one is never stale:
where the index admits a newer patch, the key is another.

It is made beside its place and renamed into it when it is complete. A killed run leaves a folder
`.new-…`, which the next run removes. Those that are in use hold a lock; of the others, the least
recently used go when all together are larger than the limit.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pinproof.proof.building import BuildError, CollisionError, build
from pinproof.proof.cache_dirs import remove_leftovers, remove_unused, share, staged

__all__ = ["BuildError", "CollisionError", "Environment", "EnvironmentCache", "Recipe"]

DEFAULT_LIMIT_BYTES = 8 * 2**30

_RECORD = "environment.json"
_DESCRIPTIONS = frozenset({".cfg", ".py", ".toml", ".txt"})

Resolution = Literal["highest", "lowest-direct"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an environment is made of.

    Attributes:
        requirements: Requirement files; their `-r` and `-c` lines are followed.
        python: The interpreter that it is made from.
        resolution: Which versions to take: the highest, or of what the files name the lowest.
        overrides: Requirements that replace whatever anything asks of the same distribution.
        excluded: Distributions that are left out, whatever asks for them.
        first_party: Folders of source that are installed in place, without what they ask for.
    """

    requirements: tuple[Path, ...]
    python: Path
    resolution: Resolution = "highest"
    overrides: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    first_party: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment that is complete.

    Attributes:
        key: What it holds, as a digest.
        folder: Where it lies.
        pins: What it holds, each as `name==version`, sorted; first-party folders are not listed.
    """

    key: str
    folder: Path
    pins: tuple[str, ...]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


class EnvironmentCache:
    """A folder of environments.

    Args:
        folder: Where they lie; it is created, and tells git to leave it alone.
        uv: The resolver and installer.
        limit_bytes: How large all together may be; those in use are never removed.
        say: Is told what is being done.
    """

    def __init__(
        self,
        folder: Path,
        uv: Path,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder.absolute()
        self._uv = uv
        self._limit = limit_bytes
        self._say = say

    def resolve(self, recipe: Recipe) -> tuple[str, ...]:
        """What an environment would hold, each as `name==version`, sorted.

        Raises:
            CollisionError: No set of versions satisfies the requirements.
            BuildError: The resolver failed otherwise.
        """
        with tempfile.TemporaryDirectory(prefix="pinproof-resolve-") as name:
            folder = Path(name)
            options = ["--no-header", "--no-annotate", "--quiet", "--resolution", recipe.resolution]
            options += ["--python", str(recipe.python)]
            for option, lines in (("overrides", recipe.overrides), ("excludes", recipe.excluded)):
                if lines:
                    (folder / option).write_text("".join(f"{line}\n" for line in lines), "utf-8")
                    options += [f"--{option}", str(folder / option)]
            compiled = build(
                self._uv,
                ["pip", "compile", *map(str, recipe.requirements), *options],
                folder=folder,
            )
        pins = (line.partition(";")[0].strip() for line in compiled.splitlines())
        return tuple(sorted(pin for pin in pins if "==" in pin))

    @contextmanager
    def environment(self, recipe: Recipe) -> Iterator[Environment]:
        """Resolve, make the environment unless it is there, and keep it while it is used.

        Raises:
            CollisionError: No set of versions satisfies the requirements.
            BuildError: It could not be made otherwise.
        """
        pins = self.resolve(recipe)
        key = _key(pins, recipe)
        self._prepare()
        place = self._folder / key
        lock = share(place, _RECORD)
        while lock is None:
            self._make(place, pins, recipe)
            lock = share(place, _RECORD)
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
            raise BuildError(
                f"The cache {self._folder.name} cannot be written: {error.strerror}.",
                remedy="Make it writable, or name another folder: --cache.",
            ) from error
        remove_leftovers(self._folder)

    def _make(self, place: Path, pins: tuple[str, ...], recipe: Recipe) -> None:
        self._say(f"making an environment of {len(pins)} distributions")
        with staged(place) as staging:
            self._install(staging, pins, recipe)
            record = {"pins": pins, "bytes": _size(staging)}
            (staging / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")

    def _install(self, folder: Path, pins: tuple[str, ...], recipe: Recipe) -> None:
        listed = folder / "pins.txt"
        listed.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
        base = str(recipe.python)
        venv = ["venv", "--allow-existing", "--relocatable", "--python", base, str(folder)]
        build(self._uv, venv, folder=folder)
        into = ["pip", "install", "--python", str(folder / "bin" / "python"), "--no-deps"]
        if pins:
            build(self._uv, [*into, "-r", str(listed)], folder=folder)
        if recipe.first_party:
            sources = [part for path in recipe.first_party for part in ("-e", str(path))]
            build(self._uv, [*into, *sources], folder=folder)

    def _shrink(self) -> None:
        """Remove the least recently used environments until the rest is within the limit."""
        found = []
        for record in self._folder.glob(f"*/{_RECORD}"):
            # Another process may remove it at this moment.
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
