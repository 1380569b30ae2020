"""Recognizes in a moment that a file calls no installer, so that it need not be parsed."""

import re

TOOLS = (
    r"pip(?:x|env|-sync|main|_main|_install)?[\d.]*|uvx?|conda|(?:micro)?mamba|poetry|pdm|rye|pixi"
    r"|easy_install|apk|apt|apt-(?:get|fast)|aptitude|(?:micro)?dnf\d?|tdnf|yum|zypper|pacman|opkg"
    r"|rpm-ostree|emerge|xbps-install|nix-env|setup\.py"
)
"""A regular expression for the names of installers."""
INSTALLER = re.compile(rf"(?<![A-Za-z0-9])(?:{TOOLS})(?![A-Za-z0-9])", re.IGNORECASE)
"""The name of an installer in a text."""

_NAME = re.compile(INSTALLER.pattern.encode(), re.IGNORECASE)
# A part of a command that is quickly found, and what it is part of. Searching for short texts and
# looking around each is ten times faster than searching for a regular expression.
_PARTS = tuple(
    (part, re.compile(word))
    for part, word in (
        (b"install", rb"install(?![A-Za-z]{2})"),
        (b"sync", rb"sync(?![A-Za-z])"),
        (b"add", rb"add(?![A-Za-z])"),
        (b"pip", rb"pip(?:x|-sync|\W)"),
        (b"uv", rb"uvx?\W"),
        (b"conda", rb"conda\W"),
        (b"mamba", rb"mamba\W"),
        (b"pacman", rb"pacman\W"),
    )
)
_BEFORE, _AFTER = 400, 200


def may_install(data: bytes) -> bool:
    """Whether a file may call an installer: it names one, near to what it is to do."""
    for part, word in _PARTS:
        place = data.find(part)
        while place >= 0:
            if word.match(data, place) and _NAME.search(
                data, max(0, place - _BEFORE), place + _AFTER
            ):
                return True
            place = data.find(part, place + len(part))
    return False
