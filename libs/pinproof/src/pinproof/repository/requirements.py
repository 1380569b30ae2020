"""Parses lines of requirements files: requirements, options, direct references, or invalid lines.

The format is pip's, and `packaging` parses the requirements. The tests compare the result with
pip-requirements-parser, which contains code of pip. It is not used here because it builds an option
parser for every line, which would take most of the time of a check, raises `UnicodeDecodeError` for
a Latin-1 comment, and does not know `--no-deps`.
"""

import enum
import getopt
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pinproof.repository.lines import logical_lines


class LineKind(enum.Enum):
    """The kinds of lines."""

    REQUIREMENT = "requirement"
    """A distribution of an index, by name."""
    DIRECT = "direct"
    """A URL, a version control address, a path, or an editable path, without index and version."""
    OPTION = "option"
    """Options of pip, such as `-r other.txt`."""
    INVALID = "invalid"
    """Not valid for pip."""


class Spelling(enum.Enum):
    """The ways in which kinds of files write a name and a pin."""

    REQUIREMENT = "{name}{pin}"
    """Requirements files and lists of pyproject.toml."""
    TABLE = '{name} = "{pin}"'
    """Poetry, Pipenv, and the packages of PyPI in pixi.toml."""
    CONDA = "- {name}{pin}"
    """A conda environment."""
    CONDA_TABLE = '{name} = "{pin}" '
    """The packages of conda in pixi.toml."""

    def write(self, name: str, pin: str) -> str:
        """A pin in this spelling."""
        return self.value.format(name=name, pin=pin).strip("- ")


class Option(NamedTuple):
    """An option with its full name, and its value or an empty text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line.

    Attributes:
        path: The file, relative to the root.
        number: The number of its first line, from 1.
        text: The text without the comment.
        kind: The kind of line.
        section: The list of a pyproject.toml that contains it; empty in a requirements file.
        requirement: The parsed requirement, if there is one.
        options: The options on the line.
        error: Why the line is invalid.
        spelling: How its file writes a pin.
    """

    path: str
    number: int
    text: str
    kind: LineKind
    section: str = ""
    requirement: Requirement | None = None
    options: tuple[Option, ...] = ()
    error: str = ""
    spelling: Spelling = Spelling.REQUIREMENT

    @property
    def name(self) -> str | None:
        """The distribution in PEP 503 form, if the line names one."""
        return canonicalize_name(self.requirement.name) if self.requirement else None

    @property
    def marker(self) -> Marker | None:
        """The marker of the requirement; None applies to all environments."""
        return self.requirement.marker if self.requirement else None

    @property
    def excerpt(self) -> str:
        """The text, shortened for messages."""
        return shorten(self.text)

    def values(self, option: str) -> Iterator[str]:
        """Yield the values of an option on this line."""
        return (value for name, value in self.options if name == option)


def shorten(text: str) -> str:
    """Shorten a text for a message, and remove the credentials from its addresses."""
    text = _CREDENTIALS.sub("://***@", text)
    return text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 1]}…"


_EXCERPT = 80
_CREDENTIALS = re.compile(r"://[^/\s]*@")
# A requirement without options: Python refuses to parse numbers of more than 4300 digits.
_LONGEST_REQUIREMENT = 4096
# With options: room for hundreds of hashes. Splitting takes quadratic time.
_LONGEST_LINE = 65_536

# The options of pip in requirements files, and some of its command line, so that messages can name
# them. Those with a value end with "=", as for `getopt`.
_SHORT = {"r": "--requirement", "c": "--constraint", "e": "--editable"}
_SHORT |= {"i": "--index-url", "f": "--find-links", "C": "--config-settings"}
_PER_REQUIREMENT = ("hash=", "config-settings=", "config-setting=", "global-option=")
_LONG = (
    *_PER_REQUIREMENT,
    *("requirement=", "constraint=", "editable=", "require-hashes", "use-feature="),
    *("index-url=", "pypi-url=", "extra-index-url=", "no-index", "find-links=", "trusted-host="),
    *("no-binary=", "only-binary=", "prefer-binary", "pre", "no-deps"),
)
_ON_A_REQUIREMENT = frozenset(f"--{name.rstrip('=')}" for name in _PER_REQUIREMENT)

_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# For pip, the options begin with the first word that begins with a dash.
_OPTIONS = re.compile(r"(?:^|(?<= ))-")


def parse_requirements(path: str, text: str) -> Iterator[Line]:
    """Parse the text of a requirements or constraints file."""
    for number, line in logical_lines(text):
        yield parse_line(path, number, line)


def parse_line(path: str, number: int, text: str) -> Line:
    """Parse one logical line of a requirements file."""
    if len(text) > _LONGEST_LINE:
        return Line(path, number, text, LineKind.INVALID, error="longer than 65536 characters")
    found = _OPTIONS.search(text)
    subject = text[: found.start()].strip() if found else text
    try:
        options = _parse_options(text[found.start() :]) if found else ()
    except ValueError as error:
        return Line(path, number, text, LineKind.INVALID, error=shorten(str(error)))
    names = {option.name for option in options}
    if not subject:
        kind = LineKind.DIRECT if "--editable" in names else LineKind.OPTION
        return Line(path, number, text, kind, options=options)
    if refused := sorted(names - _ON_A_REQUIREMENT):
        error_text = f"{', '.join(refused)} is not allowed on a line with a requirement"
        return Line(path, number, text, LineKind.INVALID, options=options, error=error_text)
    return parse_requirement(path, number, subject, options=options)


def parse_requirement(
    path: str, number: int, text: str, *, section: str = "", options: tuple[Option, ...] = ()
) -> Line:
    """Parse one requirement: the text before the options, or a string of a pyproject.toml."""
    requirement = None
    error = ""
    if len(text) > _LONGEST_REQUIREMENT:
        kind = LineKind.INVALID
        error = "longer than 4096 characters"
    elif _is_reference(text):
        kind = LineKind.DIRECT
    else:
        try:
            requirement = Requirement(text)
        except ValueError as caught:
            kind = LineKind.INVALID
            # The further lines of packaging's message mark the position.
            error = shorten(str(caught).partition("\n")[0])
        except RecursionError:
            kind = LineKind.INVALID
            error = "its marker is nested too deeply"
        else:
            kind = LineKind.DIRECT if requirement.url else LineKind.REQUIREMENT
    return Line(path, number, text, kind, section, requirement, options, error)


def _is_reference(text: str) -> bool:
    """Whether pip reads the text as an address or a path, not as a name."""
    subject = text.partition(";")[0].strip()
    # packaging parses `name @ address`, and returns the name.
    place = re.split(r"[@\[\s]", subject, maxsplit=1)[0]
    return (
        _SCHEME.match(place) is not None
        or place.startswith(".")
        or "/" in place
        or "\\" in place
        or place.lower().endswith(_ARCHIVES)
    )


def _parse_options(text: str) -> tuple[Option, ...]:
    short = "".join(f"{letter}:" for letter in _SHORT)
    try:
        pairs, rest = getopt.gnu_getopt(shlex.split(text), short, _LONG)
    except getopt.GetoptError as error:
        if "not recognized" in error.msg:
            # The rules report unknown options too.
            dashes = "-" if len(error.opt) == 1 else "--"
            return (Option(dashes + error.opt, ""),)
        raise ValueError(error.msg) from error
    if rest:
        raise ValueError(f"{' '.join(rest)!r} follows an option")
    return tuple(Option(_SHORT.get(name.lstrip("-"), name), value) for name, value in pairs)
