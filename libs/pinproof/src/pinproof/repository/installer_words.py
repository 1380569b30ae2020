"""Recognizes in a moment that a file calls no installer, and finds the files that commands name."""

import codecs
import re
from collections.abc import Iterator

INSTALLERS = (
    r"(?:pip(?:x|env|-sync)?[\d.]*|uvx?|conda|(?:micro)?mamba|poetry|pdm|rye|pixi|easy_install|apk"
    r"|apt|apt-(?:get|fast)|aptitude|(?:micro)?dnf\d?|tdnf|yum|zypper|pacman|opkg|rpm-ostree|emerge"
    r"|xbps-install|nix-env|nix-shell|setup\.py)"
)
"""A regular expression for the names of installers."""
TOOLS = (
    rf"{INSTALLERS}|pip(?:main|_main|_install)|packages_to_install|session|pip_\w+|(?:add_)?python_packages?|\w*virtualenv\w*"
    r"|runtimeenv|additional_dependencies"
)
"""A regular expression for the names of installers, and of functions that call one."""
INSTALLER = re.compile(rf"(?<![A-Za-z0-9])(?:{TOOLS})(?![A-Za-z0-9])", re.IGNORECASE)
"""The name of an installer in a text."""

# In lower case, after any other character: this form takes a third of the time of the one above.
_NAME = re.compile(rb"[^a-z0-9](?:" + TOOLS.encode() + rb")(?![a-z0-9])")
# What is between the words of a command, in a shell, a list, or a list of YAML.
_GAP = rb"""(?:[\s"',()\[\]+-]|\\n)+"""
# A part of a command that is quickly found, what it is part of, and how far before and after it the
# name of an installer may be. Searching for short texts and looking around each is ten times
# faster than searching for a regular expression.
_PARTS = tuple(
    (part, re.compile(word), before, after)
    for part, word, before, after in (
        (b"install", rb"install(?![A-Za-z]{2})", 400, 200),
        (b"sync", rb"sync(?![A-Za-z(])", 60, 5),
        (b"add", rb"add(?:itional_dependencies\s*:|(?![A-Za-z(]))", 60, 0),
        (
            b"pip",
            rb"pip(?:x|-sync|[\d.]*" + _GAP + rb"(?:download|wheel)|_\w+\s*[=(]|[\"']?\s*[:=])",
            1,
            20,
        ),
        (b"uv", rb"uvx\W|uv" + _GAP + rb"(?:-|run|tool|pip)", 1, 5),
        (b"conda", rb"conda" + _GAP + rb"(?:-|create|env|run|up)", 8, 8),
        (b"mamba", rb"mamba" + _GAP + rb"(?:-|create|env|run|up)", 8, 8),
        (b"pacman", rb"pacman\W", 1, 8),
        (b"requirements", rb"requirements\s*=", 60, 0),
        (b"python_package", rb"python_packages?\s*[=(]", 20, 0),
    )
)
# The number of those at the end that only functions of programs have.
_OF_PROGRAMS = 2


def may_install(data: bytes, *, anywhere: bool = False) -> bool:
    """Whether a file may call an installer: it names one, near to what it is to do.

    Args:
        data: The contents of the file.
        anywhere: Whether the name may be far away, as in a program with variables.
    """
    if is_utf_16(data):
        data = data.replace(b"\0", b"")
    if anywhere:
        has_part = any(word.search(data) for part, word, *_ in _PARTS if part in data)
        return has_part and any(_named(data))
    return next(install_places(data), None) is not None


def install_places(data: bytes) -> Iterator[int]:
    """Yield where a call of an installer may be: places of names, and of what they are to do."""
    for part, word, before, after in _PARTS[:-_OF_PROGRAMS]:
        place = data.find(part)
        while place >= 0:
            if matched := word.match(data, place):
                start = max(0, place - before)
                for named in _named(data[start : matched.end() + after]):
                    yield place
                    yield start + named.start()
            place = data.find(part, place + len(part))


def places_of(data: bytes, part: bytes, start: int = 0, end: int | None = None) -> Iterator[int]:
    """Yield each place of a part of a file, or of a range of it."""
    while (place := data.find(part, start, end)) >= 0:
        yield place
        start = place + len(part)


def is_utf_16(data: bytes) -> bool:
    """Whether a text begins with the mark of UTF-16, in which editors on Windows save scripts."""
    return data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


_OPTION = re.compile(
    rb"(?:(?<![\w-])(?:-[rc]|--requirements?|--constraints?)[\s=\"',-]*|\brequirements:\s*[\"']?)"
    rb"(?=[\w.$])([\w./-]+)"
)


def referenced_files(data: bytes) -> Iterator[str]:
    """Yield the names that follow options such as `-r`, near to an installer."""
    for part in (b"-r", b"-c", b"requirements:"):
        for place in places_of(data, part):
            found = _OPTION.match(data, place - data.startswith(b"--", max(0, place - 1)))
            if found and any(_named(data[max(0, found.start() - 300) : found.end()])):
                yield found[1].decode("ascii", "replace")


def _named(data: bytes) -> Iterator[re.Match[bytes]]:
    """Yield each name of an installer, with the character before it."""
    return _NAME.finditer(b" " + data.lower())
