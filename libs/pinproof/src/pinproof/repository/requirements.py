"""What a line of a requirements file is: a requirement, an option, a direct reference, or invalid.

The lines are pip's format; each requirement on them is parsed by `packaging`. The tests compare the
result with pip-requirements-parser, which is pip's own code. It is not used here because it builds
an option parser for every line, which takes most of a check's time, raises `UnicodeDecodeError` on
a Latin-1 comment, does not know `--no-deps`, and would have to be in every production image.
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

__all__ = [
    "Kind",
    "Line",
    "Option",
    "parse_line",
    "parse_requirement",
    "parse_requirements",
    "shorten",
]


class Kind(enum.Enum):
    """What a line is."""

    REQUIREMENT = "requirement"
    """A distribution by name, to be had from an index."""
    DIRECT = "direct"
    """A URL, a version control address, a path, or an editable one: no index and no version."""
    OPTION = "option"
    """Options of pip, such as `-r other.txt`."""
    INVALID = "invalid"
    """Nothing that pip could install."""


class Option(NamedTuple):
    """One option under its full name, with its value or an empty one."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line.

    Attributes:
        path: The file, relative to the root.
        number: Where it begins, counted from 1.
        text: The line without its comment.
        kind: What it is.
        section: The list of a pyproject.toml that it stands in; empty in a requirements file.
        requirement: The parsed requirement, where it has the form of one.
        options: The options on it.
        error: Why it is invalid.
    """

    path: str
    number: int
    text: str
    kind: Kind
    section: str = ""
    requirement: Requirement | None = None
    options: tuple[Option, ...] = ()
    error: str = ""

    @property
    def name(self) -> str | None:
        """The distribution in PEP 503 form, where the line names one."""
        return canonicalize_name(self.requirement.name) if self.requirement else None

    @property
    def marker(self) -> Marker | None:
        """The environments that the line applies to; None means all."""
        return self.requirement.marker if self.requirement else None

    @property
    def excerpt(self) -> str:
        """The text, shortened for a message."""
        return shorten(self.text)

    def values(self, option: str) -> Iterator[str]:
        """Yield the values of one option on this line."""
        return (value for name, value in self.options if name == option)


def shorten(text: str) -> str:
    """Cut a text to what a message has room for, without the passwords in its addresses."""
    text = _CREDENTIALS.sub("://***@", text)
    return text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 1]}…"


_EXCERPT = 80
_CREDENTIALS = re.compile(r"://[^/\s]*@")
# A requirement alone: below 4300 digits, from which Python refuses to read a number.
_LONGEST_REQUIREMENT = 4096
# With its options: room for hundreds of hashes. Splitting them takes the square of their length.
_LONGEST_LINE = 65_536

# pip's options in a requirements file, and some of its command line's, so that they are known by
# name where they are refused. "=" marks those with a value, as `getopt` wants it.
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
# pip takes what follows the first word that begins with a dash as options.
_OPTIONS = re.compile(r"(?:^|(?<= ))-")


def parse_requirements(path: str, text: str) -> Iterator[Line]:
    """Parse the text of a requirements or constraints file."""
    for number, line in logical_lines(text):
        yield parse_line(path, number, line)


def parse_line(path: str, number: int, text: str) -> Line:
    """Parse one logical line of a requirements file."""
    if len(text) > _LONGEST_LINE:
        return Line(path, number, text, Kind.INVALID, error="longer than any line should be")
    found = _OPTIONS.search(text)
    subject = text[: found.start()].strip() if found else text
    try:
        options = _parse_options(text[found.start() :]) if found else ()
    except ValueError as error:
        return Line(path, number, text, Kind.INVALID, error=shorten(str(error)))
    names = {option.name for option in options}
    if not subject:
        kind = Kind.DIRECT if "--editable" in names else Kind.OPTION
        return Line(path, number, text, kind, options=options)
    if refused := sorted(names - _ON_A_REQUIREMENT):
        error_text = f"{', '.join(refused)} stands on a line with a requirement"
        return Line(path, number, text, Kind.INVALID, options=options, error=error_text)
    return parse_requirement(path, number, subject, options=options)


def parse_requirement(
    path: str, number: int, text: str, *, section: str = "", options: tuple[Option, ...] = ()
) -> Line:
    """Parse one requirement: what precedes the options, or a string of a pyproject.toml."""
    requirement = None
    error = ""
    if len(text) > _LONGEST_REQUIREMENT:
        kind = Kind.INVALID
        error = "longer than any requirement should be"
    elif _is_reference(text):
        kind = Kind.DIRECT
    else:
        try:
            requirement = Requirement(text)
        except ValueError as caught:
            kind = Kind.INVALID
            # Below its first line packaging draws a picture of the place.
            error = shorten(str(caught).partition("\n")[0])
        except RecursionError:
            kind = Kind.INVALID
            error = "its marker is nested too deeply"
        else:
            kind = Kind.DIRECT if requirement.url else Kind.REQUIREMENT
    return Line(path, number, text, kind, section, requirement, options, error)


def _is_reference(text: str) -> bool:
    """Whether pip reads the text as an address or a path rather than as a name."""
    subject = text.partition(";")[0].strip()
    # `name @ address` is left to packaging, which knows the name.
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
            # An option that this table does not know is still one, and the rules refuse it.
            dashes = "-" if len(error.opt) == 1 else "--"
            return (Option(dashes + error.opt, ""),)
        raise ValueError(error.msg) from error
    if rest:
        raise ValueError(f"{' '.join(rest)!r} follows an option")
    return tuple(Option(_SHORT.get(name.lstrip("-"), name), value) for name, value in pairs)
