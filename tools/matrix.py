"""Prints the job matrices of continuous integration, from the Makefile and pins.toml.

Called by ``make matrix``, which passes the Makefile's lists. Prints lines of ``name=JSON`` for
``$GITHUB_OUTPUT``.
"""

import argparse
import json
import tomllib
from pathlib import Path

from combinations import combinations

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print the matrices."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tests", nargs="+", required=True, help="Names with targets prepare-NAME and test-NAME."
    )
    parser.add_argument(
        "--images", nargs="+", required=True, help="Names with a build-NAME target."
    )
    arguments = parser.parse_args()
    pythons = tomllib.loads((ROOT / "pins.toml").read_text("utf-8"))["policy"]["pythons"]
    tests = [{"name": name, "python": python} for name in arguments.tests for python in pythons]
    print("tests=" + json.dumps(tests))  # noqa: T201 - its output
    print("images=" + json.dumps(arguments.images))  # noqa: T201
    print("combinations=" + json.dumps(combinations()))  # noqa: T201


if __name__ == "__main__":
    main()
