"""Text files that are written whole or not at all."""

from pathlib import Path

__all__ = ["replace_text"]


def replace_text(path: Path, text: str) -> None:
    """Write a temporary file, and rename it; missing folders are made.

    Args:
        path: The file, which may exist. A program that is killed leaves it as it was.
        text: Its content, written as UTF-8.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
