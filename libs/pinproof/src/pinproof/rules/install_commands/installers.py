"""Finds what a command installs, from the options and arguments of each installer."""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache, lru_cache
from pathlib import PurePosixPath, PureWindowsPath
from typing import NamedTuple

from pinproof.rules.install_commands.calls import is_harmless
from pinproof.rules.install_commands.command import UNKNOWN, Command, Word
from pinproof.rules.install_commands.options import Argument, arguments
from pinproof.rules.install_commands.tables import installers

Words = Sequence[Word]


class TargetKind(Enum):
    """The kinds of arguments of an installer."""

    ANYTHING = "a name, an address or a path"
    FILE = "a requirements file"
    FOLDER = "a folder of source"
    SYSTEM = "a package of the operating system"
    CONDA = "a package of conda"
    FOREIGN = "a file of another format"
    MANIFEST = "the manifests of which the installer reads one, separated by |"
    CHANGE = "an option that changes the sources or the choice of distributions"


class InstallTarget(NamedTuple):
    """Something that a command installs, or that changes what it installs.

    Attributes:
        tool: The beginning of the command, such as `pip install`.
        kind: The kind of argument.
        word: The argument.
    """

    tool: str
    kind: TargetKind
    word: Word


_PIP = re.compile(r"(?:pip-?[\d.]*|pip\._?\w+(?:\.\w+)*)")
_MODULE = re.compile(r"-[A-Za-z]*m(?=[a-z])")
_VARIABLE = re.compile(r"\$[({]?(\w+)[)}]?")
_COMMA = re.compile(r",(?=[A-Za-z])")
_SETTING = re.compile(r"(?:PIP|UV)_(\w+)=(.*)", re.DOTALL)
_NO_CHANGE = re.compile(
    r"https://(?:pypi\.org|pypi\.python\.org)/simple/?|(?:pypi\.org|files\.pythonhosted\.org)"
    r"|disallow|if-necessary|0|false|no|off|",
    re.IGNORECASE,
)


def install_targets(command: Command) -> Iterator[InstallTarget]:
    """Yield everything that a command installs.

    The installer may be anywhere in the command (`sudo`, `docker run`, `python -m`), unless the
    program only prints or searches its arguments.
    """
    words = command.words
    if is_harmless(words):
        return
    for place, word in enumerate(words):
        if name := _installer(word):
            rest = list(words[place + 1 :])
            if any(_program(before) in ("xargs", "parallel") for before in words[:place]):
                rest.append(Word(UNKNOWN, "what xargs reads"))
            if found := _targets(name, rest, (*command.settings, *words[:place])):
                yield from found
                return


def is_installer(word: Word) -> bool:
    """Whether a word is the name of an installer."""
    return UNKNOWN not in word.value and _installer(word) is not None


def _program(word: Word) -> str:
    return PurePosixPath(word.value).name.removesuffix(".exe")


@lru_cache(maxsize=4096)
def _known(name: str) -> str | None:
    name = _MODULE.sub("", name)
    if _PIP.fullmatch(name):
        return "pip"
    return name if name in installers()["commands"] or name in _aliases() else None


@cache
def _aliases() -> dict[str, str]:
    return {name: tool for tool, others in installers()["aliases"].items() for name in others}


def _installer(word: Word) -> str | None:
    name = _program(word)
    if UNKNOWN in word.value:
        # `$PIP install` and `"$(PIP)" install` are recognized by the name of the variable.
        variable = _VARIABLE.search(word.source)
        tail = name.rpartition(UNKNOWN)[2]
        name = tail or (variable[1].lower().rpartition("_")[2] if variable else "")
    found = _known(name)
    if found is None and "\\" in word.source:
        # A path of Windows, which a shell reads as quoted letters.
        found = _known(PureWindowsPath(word.source.strip("\"'")).stem)
    return found


def _targets(name: str, words: Words, settings: Words) -> list[InstallTarget]:
    tool, _, command = _aliases().get(name, name).partition(" ")
    commands = installers()["commands"][tool]
    label = name if command in commands else tool
    given: list[Argument] = []
    while command not in commands:
        found = list(arguments(words, tool, command))
        verb = next((argument for argument in found if not argument.option), None)
        if verb is None:
            return []
        command = f"{command} {verb.word.value}".strip()
        is_known = any(f"{known} ".startswith(f"{command} ") for known in commands)
        if not is_known or " " in verb.word.value:
            is_anything = tool == "pip" and UNKNOWN in verb.word.value
            return [InstallTarget(tool, TargetKind.ANYTHING, verb.word)] if is_anything else []
        given += [argument for argument in found if argument.place < verb.place]
        words, label = words[verb.place + 1 :], f"{name} {command}"
    if tool == "pacman" and not any(word.value.startswith("-S") for word in words):
        return []
    does = installers()["kinds"][commands[command]]
    own = list(arguments(words, tool, command))
    first = next((argument.place for argument in own if not argument.option), len(words))
    if "first_only" in does:
        # The program may be one of the distribution that an option names.
        is_named = any(argument.option in ("--from", "--spec") for argument in own)
        own = [each for each in own if each.place <= first and (each.option or not is_named)]
    given += [*_set(tool, settings), *own]
    positional = TargetKind[does["positional"]] if "positional" in does else None
    targets = [each for one in given for each in _named(tool, label, one, positional)]
    if "manifests" in does and not targets:
        word = Word(does["manifests"], label)
        targets.append(InstallTarget(label, TargetKind.MANIFEST, word))
    inner = install_targets(Command(0, tuple(words[first:]))) if "runs" in does else ()
    return [*targets, *_changes(tool, label, given, targets), *inner]


def _set(tool: str, settings: Words) -> Iterator[Argument]:
    """Yield the options that settings such as `PIP_PRE=1` mean."""
    for word in settings if tool in ("pip", "uv", "pip-sync") else ():
        if setting := _SETTING.fullmatch(word.value):
            option = f"--{setting[1].lower().replace('_', '-')}"
            yield Argument(option, Word(setting[2], word.source), -1)


@lru_cache(maxsize=4096)
def _kind(tool: str, option: str) -> TargetKind | None:
    table = installers()
    for kind, names in table["options"].items():
        if option in names and tool in table["options_of"].get(kind, [tool]):
            return TargetKind[kind]
    return None


def _named(
    tool: str, label: str, argument: Argument, positional: TargetKind | None
) -> Iterator[InstallTarget]:
    """Yield what an argument names that is installed."""
    value, source = argument.word.value, argument.word.source
    kind = _kind(tool, argument.option) if argument.option else positional
    values = [value]
    if kind is TargetKind.ANYTHING and argument.option:
        values = _COMMA.split(value)
    elif kind is TargetKind.MANIFEST:
        values = ["pyproject.toml"] if label in ("pip install", "uv pip install") else []
    if kind not in (None, TargetKind.CHANGE):
        yield from (InstallTarget(label, kind, Word(each, source)) for each in values)


def _changes(
    tool: str, label: str, given: Sequence[Argument], found: Sequence[InstallTarget]
) -> Iterator[InstallTarget]:
    """Yield the options that change what the pins of a file or project mean."""
    kinds = {target.kind for target in found}
    values = [target.word.value for target in found]
    is_pinned = any("/" in value or value.startswith(".") for value in values) or kinds & {
        *(TargetKind.FILE, TargetKind.FOLDER, TargetKind.MANIFEST)
    }
    offline = any(argument.option == "--no-index" for argument in given)
    for option, word, place in given if is_pinned else ():
        is_local = option == "--find-links" and "://" not in word.value
        without_files = option.startswith("--no-dep") and TargetKind.FILE not in kinds
        is_harmless = without_files or (offline and is_local) or _NO_CHANGE.fullmatch(word.value)
        if _kind(tool, option) is TargetKind.CHANGE and not is_harmless:
            is_whole = word.source.startswith("-") or place < 0
            written = word.source if is_whole else f"{option} {word.source}"
            yield InstallTarget(label, TargetKind.CHANGE, Word(word.value, written))
