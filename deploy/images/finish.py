"""Finish an environment in the first stage of an image: less weight, and a record of what is in it.

Run as ``finish.py ENVIRONMENT`` by the interpreter of the tools, after the environment is verified
and before it is copied into the image. What is removed is named here, because a pattern that
guesses would one day take something that is needed; the image's tests import what is left.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

__all__ = ["main", "slim"]

# Packages whose folders named `tests` nothing else imports.
TESTED = ("ibis", "numba", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "sqlglot")

# What only building against a library, or checking types against it, needs.
SOURCES = frozenset({".a", ".c", ".cpp", ".h", ".hpp", ".pxd", ".pxi", ".pyi", ".pyx"})

# Parts that nothing here uses, whole: numpy's front ends to compilers and what only its own tests
# load, names of holidays in languages other than English, lexers of languages that no traceback is
# in (rich asks for Python, Cython and text), scipy's reader of Matrix Market files, Arrow's remote
# procedures, and copies of libraries that are only ever loaded under one of their three names.
# Shared objects are never stripped: scipy's do not survive it.
PARTS = (
    "holidays/locale/[!e]*",
    "numpy/core/_simd.*.so",
    "numpy/distutils",
    "numpy/f2py",
    "pyarrow/_flight.*.so",
    "pyarrow/_pyarrow_cpp_tests.*.so",
    "pyarrow/flight.py",
    "pyarrow/include",
    "pyarrow/libarrow_flight.so.*",
    "pyarrow/libarrow_python*.so",
    "pyarrow/libarrow_python*.so.*.*",
    "pyarrow/libarrow_python_flight.so.*",
    "pyarrow/src",
    "pygments/lexers/[!_ps]*.py",
    "pygments/lexers/__pycache__/[!_ps]*.pyc",
    "scipy/io/_fast_matrix_market/_fmm_core.*.so",
)


def main() -> None:
    """Slim the environment that the command line names, and write its records into it."""
    environment = Path(sys.argv[1])
    (packages,) = (environment / "lib").glob("python3*/site-packages")
    removed = slim(packages)
    sys.stdout.write(f"Removed {removed / 1e6:.0f} MB that nothing uses.\n")
    (environment / ".lock").unlink(missing_ok=True)  # uv's, and anybody may write to it
    installed = {found.name: found.version for found in distributions(path=[str(packages)])}
    record = json.dumps(dict(sorted(installed.items())), indent=1)
    (environment / "environment.json").write_text(f"{record}\n", encoding="utf-8")
    subprocess.run(  # noqa: S603 - a tool of this repository
        [
            Path(sys.executable).with_name("cyclonedx-py"),
            "environment",
            "--output-reproducible",
            "--output-format=JSON",
            f"--output-file={environment / 'sbom.cdx.json'}",
            environment / "bin" / "python",
        ],
        check=True,
    )


def slim(packages: Path) -> int:
    """Remove from a folder of packages what is needless.

    Returns:
        How many bytes that were.
    """
    removed = 0
    for path in list(_needless(packages)):
        if path.is_dir():
            removed += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            shutil.rmtree(path)
        elif path.exists():
            removed += path.stat().st_size
            path.unlink()
    return removed


def _needless(packages: Path) -> Iterator[Path]:
    for package in TESTED:
        yield from (packages / package).glob("**/tests")
    for pattern in PARTS:
        yield from packages.glob(pattern)
    for path in packages.rglob("*"):
        if path.suffix in SOURCES:
            yield path


if __name__ == "__main__":
    main()
