"""Texts to measure with."""

import csv
from pathlib import Path

from measuring import run_command


def sample_texts(path: Path) -> Path:
    """Generate labelled texts (1,000, seed 7) into a file, and return its path."""
    run_command("nlpinsight", "generate", path, "--texts", 1000, "--seed", 7)
    return path


def read_texts(path: Path) -> list[str]:
    """The column ``text`` of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]
