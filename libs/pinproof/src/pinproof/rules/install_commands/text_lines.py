"""Reads the lines of any text that call an installer."""

import re
from collections import deque
from collections.abc import Iterator

from pinproof.repository.installer_words import INSTALLER, TOOLS
from pinproof.rules.install_commands.calls import is_prose
from pinproof.rules.install_commands.command import (
    UNKNOWN,
    Command,
    Script,
    Word,
    without_expressions,
)
from pinproof.rules.install_commands.installers import install_targets, is_installer
from pinproof.rules.install_commands.shell import shell_commands

# Lines that are comments in one language or another.
_COMMENT = re.compile(
    r"\s*(?:#(?!\{)|//|;|--\s|\*(?![\d*/]|\s+[\d*])|/\*|<!--|::|@?rem\b|dnl\b|\"\s"
    # A setting of tox, which fills in what deps names, and paragraphs of a page.
    r"|install_command\s*=|<(?:code|pre|p|li|span|kbd)\b)",
    re.IGNORECASE,
)
_END_COMMENT = re.compile(r"\s(?://|#|;;)\s.*$")
_CONTINUED = re.compile(r"(?:(?<=\s)[\\^`]|\\)$")
# What follows an installer in a command that installs something.
_CALL = re.compile(
    r"[\s\"',]+(?:-[\w-]+[\s\"',]+)*(?:add|download|install|sync|tool|wheel)\b[^\w.]*[\w.]"
)
_QUOTE = re.compile(r"\\.|\"\"\"|'''|[\"'`]")
# What precedes a text that a program only shows.
_PRINTS = re.compile(
    r"\b(?:print\w*|(?:console|log\w*)\.\w+|log|echo|puts|warn\w*|error|write-\w+|alert|\w*Error)"
    r"\s*[(\s]\s*$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
# A list of the words of a command may have a word a line, also as calls: `.arg("install")`.
_LIST_START = re.compile(
    rf"[\"'](?:python[\d.]*|{TOOLS})[\"'](?:[^\w\"']*[\"'][^\"']*[\"'])*[^\w\"']*$"
)
_LIST_LINE = re.compile(r"[^\w\"']*(?:args?[^\w\"']+)?(?:[\"'][^\"']*[\"'][^\w\"']*)+")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
# What precedes a command: prompts, instructions of builders, and keys with an equals sign or colon.
_LABEL = re.compile(
    r"^\s*(?:[-&@!%]+\s*|RUN\s+|[\w.\"'-]+\s*(?::|:?=>?)\s+"
    rf"|[\w.]+=(?=[-+!@:]*(?:[\w./-]*/)?(?:python[\d.]*|{TOOLS})\s))*"
)


def line_commands(script: Script) -> Iterator[Command | Script]:
    """Yield the commands of the lines that call an installer, in a text of any format.

    A line whose call cannot be read is yielded as a call with an unknown argument.
    """
    pending = deque(enumerate(without_expressions(script.text).split("\n"), start=script.line))
    while pending:
        number, joined = pending.popleft()
        while pending and _CONTINUED.search(joined.rstrip()):
            joined = f"{_CONTINUED.sub('', joined.rstrip())} {pending.popleft()[1].strip()}"
        if _LIST_START.search(joined):
            while pending and _LIST_LINE.fullmatch(pending[0][1]):
                joined = f"{joined} {pending.popleft()[1].strip()}"
        if INSTALLER.search(joined) and not _COMMENT.match(joined):
            yield from _line(number, _END_COMMENT.sub("", joined))


def _line(number: int, text: str) -> Iterator[Command | Script]:
    end = 0
    for found in INSTALLER.finditer(text):
        if found.start() < end:
            continue
        start, end = _quoted(text, found.start())
        piece = text[start:end]
        if _PRINTS.search(text[: max(start - 1, 0)]):
            continue
        if piece.strip() == found[0] and start > 0:
            # A program and its arguments as texts: "pip", "install", "numpy".
            given = [one or other for one, other in _QUOTED.findall(text[start - 1 :])]
            command = Command(number, tuple(Word(word, word) for word in given))
            if not is_prose(command):
                yield command
            return
        if start > 0 and piece.endswith(" "):
            # The program adds something to the text.
            piece += "${rest}"
        if start == 0:
            piece = _TAG.sub(" ", piece) if piece.lstrip().startswith("<") else piece
            piece = _LABEL.sub("", piece)
        yield from _piece(number, piece, found[0])


def _piece(number: int, piece: str, tool: str) -> Iterator[Command | Script]:
    text = piece.replace(r"\"", '"').replace(r"\n", "\n")
    found = list(shell_commands(Script(text, ".sh", number, depth=1)))
    commands = [each for each in found if isinstance(each, Command)]
    sentences = [each for each in commands if is_prose(each)]
    yield from (each for each in found if each not in sentences)
    call = _CALL.match(piece.partition(tool)[2])
    is_read = len(found) > len(commands) or any(any(install_targets(each)) for each in commands)
    if call is None or sentences or is_read or not is_installer(Word(tool, tool)):
        return
    # The line installs something, and it is unknown what.
    program = next((each.words[:1] for each in commands if each.words), ())
    words = (Word("pip", tool), Word("install", "install"), Word(UNKNOWN, piece.strip()))
    yield Command(number, words if any(map(is_installer, program)) else (*program, *words))


def _quoted(text: str, place: int) -> tuple[int, int]:
    """The beginning and the end of the text in quotes around a place, or of the whole text."""
    opened: re.Match[str] | None = None
    for found in _QUOTE.finditer(text):
        if found[0].startswith("\\"):
            continue
        if opened is None:
            if found.start() > place:
                break
            opened = found
        elif found[0] == opened[0]:
            if found.start() > place:
                return opened.end(), found.start()
            opened = None
    if opened is not None and text[opened.start() - 1 : opened.start()].isalnum():
        # An apostrophe.
        return 0, len(text)
    return (opened.end() if opened else 0), len(text)
