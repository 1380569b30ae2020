"""Lines of manifests that are not requirements files: Poetry, Pipenv, pixi and conda."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pinproof.repository.requirements import Line, LineKind, Option, Spelling, shorten

_VERSION = re.compile(r"\d+(?:\.\d+)*")
_PLACES = ("git", "hg", "svn", "url", "file", "path", "index")
# Packages of conda that are no distributions of Python, by their names.
_NOT_PYTHON = re.compile(
    r"_.*|r|lib.*|(?:r|bioconductor|perl|m2|m2w64|ros|xorg|rust|go|ld|sysroot)[-_].*"
    r"|.*[-_](?:linux|osx|win)-.*|(?:cuda|gcc|gxx|gfortran|clang|binutils|texlive|pypy).*"
    r"|.*compilers?|(?:python|pip|setuptools|wheel|conda|mamba)(?:_abi)?"
    r"|cudnn|nccl|make|cmake|automake|autoconf|bash|curl|wget|git|git-lfs|gh|jq|nodejs|yarn|openjdk"
    r"|maven|rust|go|julia|perl|ruby|ffmpeg|openmpi|mpich|openblas|blas|lapack|mkl|tbb|hdf5|zlib|zstd"
    r"|openssl|ca-certificates|sqlite|postgresql|redis-server|samtools|bcftools|bedtools|blast|bwa"
    r"|bowtie2?|star|fastqc|htslib|imagemagick|graphviz|pandoc|swig|tk|xz|bzip2|readline|ncurses|vim"
    r"|tmux|parallel|unzip|zip|gsl|fftw|gmp|(?:intel|llvm)-openmp|blosc|boost-cpp|eigen"
)


def is_python_package(name: str) -> bool:
    """Whether a package of conda is a distribution of Python, as far as its name shows."""
    return _NOT_PYTHON.fullmatch(name.lower()) is None


def version_line(  # noqa: PLR0917 - the fields of a line
    path: str, number: int, section: str, name: str, version: str, spelling: Spelling, *, text: str
) -> Line:
    """The line for a name and a version in the spelling of a tool.

    The requirement has the same lower bound as the version, so that the pin to write is known.
    """
    try:
        requirement = Requirement(f"{name}{_specifiers(version)}")
    except InvalidRequirement as error:
        reason = shorten(str(error).partition("\n")[0])
        return Line(path, number, text, LineKind.INVALID, section, error=reason)
    return Line(path, number, text, LineKind.REQUIREMENT, section, requirement, spelling=spelling)


def _specifiers(version: str) -> str:
    version = version.strip()
    if version in ("", "*"):
        return ""
    try:
        return str(SpecifierSet(version))
    except InvalidSpecifier:
        found = _VERSION.search(version)
    if found is None:
        return ""
    return f"=={found[0]}" if found[0] == version else f">={found[0]}"


def table_lines(
    path: str,
    section: str,
    table: Mapping[str, object],
    numbers: Mapping[str, int],
    spelling: Spelling = Spelling.TABLE,
) -> Iterator[Line]:
    """Yield the lines of a table of names and versions.

    Args:
        path: The file.
        section: The keys of the table, joined with dots.
        table: The entries: a version, a table with `version`, or a list of such tables.
        numbers: The numbers of the lines of keys, by all their keys joined with dots.
        spelling: How the file writes a pin.
    """
    for name, value in table.items():
        if name.lower() in ("python", "pip"):
            continue
        if spelling is Spelling.CONDA_TABLE and not is_python_package(name):
            continue
        number = numbers.get(f"{section}.{name}", numbers.get(section, 1))
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and (place := _place(path, each)) is not None:
                if place:
                    text = f"{name} = {{ {place} }}"
                    yield Line(path, number, text, LineKind.DIRECT, section)
                continue
            given = each.get("version", "") if isinstance(each, dict) else each
            version = given if isinstance(given, str) else ""
            text = f'{name} = "{version}"'
            yield version_line(path, number, section, name, version, spelling, text=text)


def _place(path: str, entry: Mapping[str, object]) -> str | None:
    """Where an entry is installed from; empty if it is in the repository, None if on an index."""
    if entry.get("workspace") is True:
        return ""
    key = next((key for key in _PLACES if key in entry), None)
    if key is None:
        return None
    value = str(entry[key])
    inside = os.path.normpath(PurePosixPath(path).parent / value)
    if key == "path" and not inside.startswith(("..", "/")):
        return ""
    return f'{key} = "{shorten(value)}"'


def source_lines(
    path: str, section: str, table: Mapping[str, object], numbers: Mapping[str, int]
) -> Iterator[Line]:
    """Yield a line for each distribution that a table installs from another place."""
    for line in table_lines(path, section, table, numbers):
        if line.kind is LineKind.DIRECT:
            yield line


def first_party(path: str, table: Mapping[str, object]) -> Iterator[str]:
    """Yield the names that a table installs from a folder of the repository."""
    for name, value in table.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and _place(path, each) == "":
                yield name


def index_lines(path: str, section: str, indexes: object, number: int) -> Iterator[Line]:
    """Yield a line for each index of a manifest other than PyPI."""
    for index in indexes if isinstance(indexes, list) else ():
        address = str(index.get("url", "")) if isinstance(index, dict) else ""
        if address and "://pypi.org/" not in address:
            options = (Option("--index-url", address),)
            text = shorten(f'url = "{address}"')
            yield Line(path, number, text, LineKind.OPTION, section, options=options)


_HEADER = re.compile(r"^\s*\[+\s*([^\[\]]+?)\s*\]+")
_KEY = re.compile(
    r"""^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*="""
)


def key_numbers(text: str) -> dict[str, int]:
    """The numbers of the lines of the keys of a TOML file, by all keys joined with dots."""
    numbers: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            section = _plain(header[1])
            numbers.setdefault(section, number)
        elif key := _KEY.match(line):
            numbers.setdefault(f"{section}.{_plain(key[1])}".lstrip("."), number)
    return numbers


def _plain(keys: str) -> str:
    return re.sub(r"[\"'\s]", "", keys)
