"""Remove unused files from the environment of an image, and write the lists of its contents.

Run as ``finish.py ENVIRONMENT`` by the interpreter of the tools, after the environment is verified
and before it is copied into the image. The lists below name each removed part; the tests of the
images import all remaining modules.
"""

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

__all__ = ["main", "slim"]

# Packages whose `tests` folders are not imported.
TESTED = (
    "fsspec",
    "ibis",
    "llvmlite",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "sqlglot",
)

# Files for building and type checking against a library.
SOURCES = frozenset({".a", ".c", ".cpp", ".h", ".hpp", ".pxd", ".pxi", ".pyi", ".pyx"})

# Unused parts: numpy's compiler front ends and test modules, holidays in languages other than
# English, lexers except those that rich uses for tracebacks (Python and text), numba for GPUs,
# onnxruntime's library for C (the Python module contains it) and its converters, sample data of
# scikit-learn, scipy's reader of Matrix Market files, Arrow Flight, and copies of Arrow's
# libraries under other names.
PARTS = (
    "holidays/locale/[!e]*",
    "joblib/test",
    "numba/cuda",
    "numpy/core/_simd.*.so",
    "numpy/distutils",
    "numpy/f2py",
    "onnxruntime/capi/libonnxruntime.so.*",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
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
    "pygments/lexers/_[!_m]*.py",
    "pygments/lexers/p[!y]*.py",
    "pygments/lexers/s[!p]*.py",
    "pygments/lexers/__pycache__/[!_ps]*.pyc",
    "pygments/lexers/__pycache__/_[!_m]*.pyc",
    "pygments/lexers/__pycache__/p[!y]*.pyc",
    "pygments/lexers/__pycache__/s[!p]*.pyc",
    "scipy/io/_fast_matrix_market/_fmm_core.*.so",
    "scipy/odr",
    "scipy/signal",
    "sklearn/datasets/data",
    "sklearn/datasets/descr",
    "sklearn/datasets/images",
)


def main() -> None:
    """Remove files from the environment on the command line, and write its lists."""
    environment = Path(sys.argv[1])
    (packages,) = (environment / "lib").glob("python3*/site-packages")
    removed = slim(packages)
    sys.stdout.write(f"Removed {removed / 1e6:.0f} MB that are not used.\n")
    (environment / ".lock").unlink(missing_ok=True)  # of uv, world-writable
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
    """Remove unused files, and parts of files, from a site-packages folder.

    Returns:
        The number of removed bytes.
    """
    removed = 0
    for path in list(_unused(packages)):
        if path.is_dir():
            removed += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            shutil.rmtree(path)
        elif path.exists():
            removed += path.stat().st_size
            path.unlink()
    return removed + sum(truncate(path) for path in packages.rglob("*.so*") if path.is_file())


def truncate(library: Path) -> int:
    """Cut symbols for linkers and debuggers off a shared object.

    Sections after the last segment are not loaded. Unlike `strip`, which breaks libraries of scipy,
    this moves nothing.

    Returns:
        The number of removed bytes; 0 if the file is not a little-endian 64-bit ELF file.
    """
    with library.open("r+b") as file:
        header = file.read(64)
        if header[:6] != b"\x7fELF\x02\x01":
            return 0
        (start,) = struct.unpack_from("<Q", header, 0x20)
        size, count = struct.unpack_from("<HH", header, 0x36)
        file.seek(start)
        segments = file.read(size * count)
        ends = [sum(struct.unpack_from("<Q16xQ", segments, size * n + 8)) for n in range(count)]
        # No table of sections: its offset, its length and the index of its names.
        file.seek(0x28)
        file.write(bytes(8))
        file.seek(0x3C)
        file.write(bytes(4))
        before = file.seek(0, 2)
        return before - file.truncate(max(*ends, start + size * count))


def _unused(packages: Path) -> Iterator[Path]:
    for package in TESTED:
        yield from (packages / package).glob("**/tests")
    for pattern in PARTS:
        yield from packages.glob(pattern)
    for path in packages.rglob("*"):
        if path.suffix in SOURCES:
            yield path


if __name__ == "__main__":
    main()
