"""The working tree that the commands on services change."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NoReturn

__all__ = ["HISTORY", "ROOT", "clear_folder", "fail", "git", "mentions", "require_clean"]

ROOT: Final = Path(__file__).resolve().parents[1]

# Records of what was: a name in them is history.
HISTORY: Final = (":!CHANGELOG.md", ":!docs/adr")


# What make and the tools write into a service's folder; the rest belongs to people.
_GENERATED: Final = frozenset(
    {".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "__pycache__", "build"}
)


def clear_folder(folder: Path) -> None:
    """Remove environments and caches from a service's folder, and the folders that are empty."""
    for base, folders, files in os.walk(folder, topdown=False):
        path = Path(base)
        if path.name in _GENERATED or path.suffix == ".egg-info":
            shutil.rmtree(path)
        elif not files and not any((path / name).exists() for name in folders):
            path.rmdir()


def fail(message: str, remedy: str) -> NoReturn:
    """End with a message and status 2."""
    sys.stderr.write(f"make: {message} {remedy}\n")
    sys.exit(2)


def git(*arguments: str, root: Path = ROOT) -> str:
    """Run git, and return its output; end with its message if it fails."""
    done = subprocess.run(  # noqa: S603 - the commands of this repository
        ["git", *arguments],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        fail(f"git {arguments[0]} failed: {done.stderr.strip()}.", "Correct what it names.")
    return done.stdout


def require_clean(root: Path = ROOT) -> None:
    """End with a message if a file has changes that are not committed."""
    if changed := git("status", "--porcelain", root=root).splitlines():
        named = ", ".join(line[3:] for line in changed[:3])
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""  # noqa: PLR2004
        fail(
            f"There are changes that are not committed: {named}{more}.",
            "Commit or stash them first, so that git can undo this command.",
        )


def mentions(name: str, root: Path = ROOT) -> list[str]:
    """The tracked files that mention a name in any case, records of the past excepted."""
    done = subprocess.run(  # noqa: S603 - the text is an argument
        ["git", "grep", "-I", "-i", "-l", "-F", "-e", name, "--", ".", *HISTORY],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()
