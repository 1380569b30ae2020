"""Finds what a command installs, from the options and arguments of each installer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from pathlib import PurePosixPath, PureWindowsPath

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


@dataclass(frozen=True, slots=True)
class InstallTarget:
    """Something that a command installs, or that changes what it installs.

    Attributes:
        tool: The beginning of the command, such as `pip install`.
        kind: The kind of argument.
        word: The argument.
    """

    tool: str
    kind: TargetKind
    word: Word


@dataclass(frozen=True, slots=True)
class _Action:
    """What a command of an installer does with its arguments: `kinds` in installers.toml."""

    tool: str
    command: str
    label: str
    positional: str | None = None
    manifests: str = ""
    first_only: bool = False
    runs: bool = False


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
    if not words or is_harmless(words):
        return
    for place, word in enumerate(words):
        if name := _installer(word):
            rest = list(words[place + 1 :])
            if any(_program(before) in ("xargs", "parallel") for before in words[:place]):
                rest.append(Word(UNKNOWN, "what xargs reads"))
            found = list(_targets(name, rest, (*command.settings, *words[:place])))
            yield from found
            if found:
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


def _targets(name: str, words: Words, settings: Words) -> Iterator[InstallTarget]:
    tool, _, command = _aliases().get(name, name).partition(" ")
    commands = installers()["commands"][tool]
    label = name if command in commands else tool
    given: list[Argument] = []
    while command not in commands:
        found = list(arguments(words, tool, command))
        verb = next((argument for argument in found if not argument.option), None)
        if verb is None:
            return
        command = f"{command} {verb.word.value}".strip()
        is_known = any(f"{known} ".startswith(f"{command} ") for known in commands)
        if not is_known or " " in verb.word.value:
            if tool == "pip" and UNKNOWN in verb.word.value:
                yield InstallTarget(tool, TargetKind.ANYTHING, verb.word)
            return
        given += [argument for argument in found if argument.place < verb.place]
        words, label = words[verb.place + 1 :], f"{name} {command}"
    if tool == "pacman" and not any(word.value.startswith("-S") for word in words):
        return
    given += [set_by for word in settings for set_by in _set(tool, word)]
    action = _Action(tool, command, label, **installers()["kinds"][commands[command]])
    yield from _action_targets(action, words, given)


def _set(tool: str, word: Word) -> Iterator[Argument]:
    """Yield the option that a setting such as `PIP_PRE=1` means."""
    setting = _SETTING.fullmatch(word.value)
    if setting and tool in ("pip", "uv", "pip-sync"):
        option = f"--{setting[1].lower().replace('_', '-')}"
        yield Argument(option, Word(setting[2], word.source), -1)


def _action_targets(
    action: _Action, words: Words, before: Sequence[Argument]
) -> Iterator[InstallTarget]:
    own = list(arguments(words, action.tool, action.command))
    first = next((argument.place for argument in own if not argument.option), len(words))
    if action.first_only:
        own = [argument for argument in own if argument.place <= first]
        if any(argument.option in ("--from", "--spec") for argument in own):
            # The program is one of the named distribution.
            own = [argument for argument in own if argument.option]
    given = [*before, *own]
    found = [target for argument in given for target in _argument(action, argument)]
    if action.manifests and not found:
        word = Word(action.manifests, action.label)
        found.append(InstallTarget(action.label, TargetKind.MANIFEST, word))
    yield from found
    yield from _changes(action, given, found)
    if action.runs:
        yield from install_targets(Command(0, tuple(words[first:])))


@lru_cache(maxsize=4096)
def _kind(tool: str, option: str) -> TargetKind | None:
    table = installers()
    for kind, names in table["options"].items():
        if option in names and tool in table["options_of"].get(kind, [tool]):
            return TargetKind[kind]
    return None


def _argument(action: _Action, argument: Argument) -> Iterator[InstallTarget]:
    value, source = argument.word.value, argument.word.source
    kind = _kind(action.tool, argument.option) if argument.option else None
    if not argument.option and action.positional:
        yield InstallTarget(action.label, TargetKind[action.positional], argument.word)
    elif kind is TargetKind.ANYTHING:
        for name in _COMMA.split(value):
            yield InstallTarget(action.label, kind, Word(name, source))
    elif kind is TargetKind.MANIFEST:
        if action.label in ("pip install", "uv pip install"):
            yield InstallTarget(action.label, kind, Word("pyproject.toml", source))
    elif kind not in (None, TargetKind.CHANGE):
        yield InstallTarget(action.label, kind, argument.word)


def _changes(
    action: _Action, given: Sequence[Argument], found: Sequence[InstallTarget]
) -> Iterator[InstallTarget]:
    """Yield the options that change what the pins of a file mean."""
    kinds = {target.kind for target in found}
    values = [target.word.value for target in found]
    of_projects = any("/" in value or value.startswith(".") for value in values)
    if not of_projects and kinds.isdisjoint(
        {TargetKind.FILE, TargetKind.FOLDER, TargetKind.MANIFEST}
    ):
        return
    offline = any(argument.option == "--no-index" for argument in given)
    for option, word, place in given:
        is_local = option == "--find-links" and "://" not in word.value
        without_files = option.startswith("--no-dep") and TargetKind.FILE not in kinds
        is_harmless = without_files or (offline and is_local) or _NO_CHANGE.fullmatch(word.value)
        if _kind(action.tool, option) is TargetKind.CHANGE and not is_harmless:
            is_whole = word.source.startswith("-") or place < 0
            written = word.source if is_whole else f"{option} {word.source}"
            yield InstallTarget(action.label, TargetKind.CHANGE, Word(word.value, written))
