"""Finds what a command installs, from the options and arguments of each installer."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import PurePosixPath

from pinproof.rules.install_commands.command import UNKNOWN, Command, Word

Words = Sequence[Word]


class TargetKind(Enum):
    """The kinds of arguments of an installer."""

    ANYTHING = "a name, an address or a path"
    FILE = "a requirements file"
    FOLDER = "a folder of source"
    SYSTEM = "a package of the operating system"
    FOREIGN = "a file of another format"


@dataclass(frozen=True, slots=True)
class InstallTarget:
    """Something that a command installs.

    Attributes:
        tool: The beginning of the command, such as `pip install`.
        kind: The kind of argument.
        word: The argument.
    """

    tool: str
    kind: TargetKind
    word: Word


def install_targets(command: Command) -> Iterator[InstallTarget]:
    """Yield everything that a command installs.

    The installer may be anywhere in the command (`sudo`, `docker run`, `python -m`), unless the
    program only prints or searches its arguments.
    """
    words = command.words
    if not words or _program(words[0]) in _HARMLESS:
        return
    for place, word in enumerate(words):
        read = _reader(word)
        if read is None:
            continue
        rest = list(words[place + 1 :])
        if any(_program(before) in ("xargs", "parallel") for before in words[:place]):
            rest.append(Word(UNKNOWN, "what xargs reads"))
        found = list(read(rest))
        yield from found
        if found:
            return


def is_installer(word: Word) -> bool:
    """Whether a word is the name of an installer."""
    return word.is_known and _reader(word) is not None


def _program(word: Word) -> str:
    return PurePosixPath(word.value).name.removesuffix(".exe")


# Programs that print, search or store their arguments.
_HARMLESS = frozenset(
    {"awk", "cat", "command", "echo", "egrep", "fgrep", "git", "grep", "hash", "ls", "man"}
    | {"printf", "rg", "sed", "test", "type", "which"}
)
_PIP = re.compile(r"(?:-m)?pip(?:\d+(?:\.\d+)*)?")
_VARIABLE = re.compile(r"\$[({]?(\w+)[)}]?")

# Options with a value, beginning with those that name what is installed. pip and uv share most.
_FILES = frozenset({"-r", "--requirement", "--requirements", "--with-requirements"})
_FILES |= {"--override", "--overrides"}
_FOLDERS = frozenset({"-e", "--editable", "--with-editable"})
_NAMES = frozenset({"--with", "-w", "--from", "--spec"})
_WITH_VALUE = frozenset(
    {"-c", "--constraint", "--constraints", "-t", "--target", "--platform", "--python-version"}
    | {"--implementation", "--abi", "--root", "--prefix", "--src", "--upgrade-strategy", "-C"}
    | {"--config-settings", "--config-setting", "--global-option", "--no-binary", "--only-binary"}
    | {"--progress-bar", "--root-user-action", "--report", "--cache-dir", "--log", "--proxy"}
    | {"--retries", "--timeout", "--exists-action", "--trusted-host", "--cert", "--client-cert"}
    | {"--python", "-p", "--use-feature", "--use-deprecated", "--keyring-provider", "--group"}
    | {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--index", "--color"}
    | {"--default-index", "--index-strategy", "--extra", "--excludes", "--build-constraints", "-b"}
    | {"--build-constraint", "--torch-backend", "--resolution", "--prerelease", "--exclude-newer"}
    | {"--link-mode", "--python-platform", "--config-file", "--directory", "--project", "-P"}
    | {"--refresh-package", "--reinstall-package", "--upgrade-package", "--env-file", "--package"}
    | {"--no-build-package", "--no-binary-package", "--allow-insecure-host", "-n", "--name"}
    | {"--no-build-isolation-package", "--pip-args", "--index-url", "--only-group", "--no-group"}
    | {"--optional", "--bounds", "--marker", "--branch", "--tag", "--rev", "--suffix", "--source"}
    | {"-G", "--channel", "--file", "--fetcher", "--option", "-o", "--target-release"}
)
_LETTERS_WITH_VALUE = {option[1]: option for option in _FILES | _FOLDERS | _WITH_VALUE | _NAMES}
_LETTERS_WITH_VALUE = {key: option for key, option in _LETTERS_WITH_VALUE.items() if key != "-"}


def _split(words: Words, *, flags: str = "") -> Iterator[tuple[TargetKind | None, Word]]:
    """Yield each option value with its kind, and each positional argument with None.

    Args:
        words: The arguments of a tool.
        flags: Letters of options that take a value with other tools, but not with this one.
    """
    pending = iter(words)
    for word in pending:
        text = word.value
        if text == "--":
            for rest in pending:
                yield None, rest
            return
        if not text.startswith("-") or text == "-":
            yield None, word
            continue
        option, value = text, None
        if text.startswith("--"):
            option, equals, joined = text.partition("=")
            value = Word(joined, word.source) if equals else None
        else:
            for place, letter in enumerate(text[1:], start=2):
                if letter in _LETTERS_WITH_VALUE and letter not in flags:
                    option = _LETTERS_WITH_VALUE[letter]
                    rest_of_word = text[place:].removeprefix("=")
                    value = Word(rest_of_word, word.source) if rest_of_word else None
                    break
        takes = option in _FILES | _FOLDERS | _NAMES | _WITH_VALUE
        if not takes or (len(option) == 2 and option[1] in flags):  # noqa: PLR2004 - a letter
            continue
        if value is None:
            value = next(pending, None)
        kind = _kind(option)
        if value is not None and kind is not None:
            yield kind, value


def _kind(option: str) -> TargetKind | None:
    if option in _FILES:
        return TargetKind.FILE
    if option in _FOLDERS:
        return TargetKind.FOLDER
    return TargetKind.ANYTHING if option in _NAMES else None


def _verb(words: Words, *, flags: str = "") -> tuple[Word | None, Words]:
    """The first positional argument, and the words after it."""
    for place in range(len(words)):
        seen = [word for kind, word in _split(words[: place + 1], flags=flags) if kind is None]
        if seen:
            return seen[0], words[place + 1 :]
    return None, ()


def _collect(
    tool: str,
    words: Words,
    *,
    flags: str = "",
    positional: TargetKind = TargetKind.ANYTHING,
    first_only: bool = False,
) -> Iterator[InstallTarget]:
    seen = False
    for kind, word in _split(words, flags=flags):
        if kind is None and first_only and seen:
            # The further words are arguments of the installed tool.
            return
        seen = seen or kind is None
        yield InstallTarget(tool, kind or positional, word)


def _pip(words: Words, tool: str = "pip") -> Iterator[InstallTarget]:
    verb, rest = _verb(words)
    if verb is None:
        return
    if verb.value in ("install", "download", "wheel"):
        # -b and -p are uv's, -w is a folder of `pip wheel`, -d one of `pip download`.
        yield from _collect(f"{tool} {verb.value}", rest)
    elif verb.value == "sync":
        yield from _collect(f"{tool} sync", rest, positional=TargetKind.FILE)
    elif not verb.is_known:
        yield InstallTarget(tool, TargetKind.ANYTHING, verb)


def _uv(words: Words) -> Iterator[InstallTarget]:
    verb, rest = _verb(words, flags="n")
    match verb.value if verb else "":
        case "pip":
            yield from _pip(rest, "uv pip")
        case "add":
            yield from _collect("uv add", rest, flags="n")
        case "tool":
            inner, after = _verb(rest, flags="n")
            if inner and inner.value in ("install", "run"):
                yield from _collect(f"uv tool {inner.value}", after, flags="n", first_only=True)
        case "run":
            yield from _uv_run(rest)


def _uv_run(words: Words) -> Iterator[InstallTarget]:
    """Yield what is installed for a command, and what that command installs."""
    program, rest = _verb(words, flags="n")
    before = words[: len(words) - len(rest) - (program is not None)]
    for kind, word in _split(before, flags="n"):
        if kind is not None:
            yield InstallTarget("uv run", kind, word)
    if program is not None:
        yield from install_targets(Command(0, (program, *rest)))


def _pipx(words: Words) -> Iterator[InstallTarget]:
    verb, rest = _verb(words)
    if verb and verb.value in ("install", "run", "inject", "install-all", "upgrade"):
        only = verb.value == "run"
        yield from _collect(f"pipx {verb.value}", rest, flags="fe", first_only=only)


def _conda(words: Words) -> Iterator[InstallTarget]:
    verb, rest = _verb(words, flags="yq")
    if verb is not None and verb.value == "env":
        verb, rest = _verb(rest, flags="yq")
        rest = [word for word in rest if not word.value.startswith("-")]
        if verb is not None and verb.value in ("create", "update"):
            for word in rest:
                yield InstallTarget("conda env", TargetKind.FOREIGN, word)
        return
    if verb is not None and verb.value in ("install", "create", "update", "upgrade"):
        yield from _conda_names(f"conda {verb.value}", rest)
    elif verb is not None and verb.value == "run":
        yield from install_targets(Command(0, tuple(rest)))


def _conda_names(tool: str, words: Words) -> Iterator[InstallTarget]:
    pending = iter(words)
    for word in pending:
        if word.value in ("-n", "--name", "-p", "--prefix", "-c", "--channel", "--solver"):
            next(pending, None)
        elif word.value in ("-f", "--file"):
            yield InstallTarget(tool, TargetKind.FOREIGN, next(pending, word))
        elif word.value.startswith("--file="):
            yield InstallTarget(tool, TargetKind.FOREIGN, word)
        elif not word.value.startswith("-"):
            yield InstallTarget(tool, TargetKind.ANYTHING, word)


def _system(tool: str, words: Words) -> Iterator[InstallTarget]:
    verb, rest = _verb(words, flags="fptCcibPnew")
    if verb is not None and verb.value in ("install", "add", "reinstall"):
        for word in rest:
            if not word.value.startswith("-"):
                yield InstallTarget(f"{tool} {verb.value}", TargetKind.SYSTEM, word)


def _adding(tool: str, verb_that_adds: str, words: Words) -> Iterator[InstallTarget]:
    verb, rest = _verb(words)
    if verb is not None and verb.value == verb_that_adds:
        yield from _collect(f"{tool} {verb_that_adds}", rest)


_SYSTEM = ("apk", "apt", "apt-get", "aptitude", "dnf", "microdnf", "yum", "zypper")
_ADDING = {"pdm": "add", "pipenv": "install", "pixi": "add", "poetry": "add", "rye": "add"}
_READERS: Mapping[str, Callable[[Words], Iterator[InstallTarget]]] = {
    **{tool: partial(_system, tool) for tool in _SYSTEM},
    **{tool: partial(_adding, tool, verb) for tool, verb in _ADDING.items()},
    **dict.fromkeys(("conda", "mamba", "micromamba"), _conda),
    "easy_install": partial(_collect, "easy_install"),
    "pip": _pip,
    "pip-sync": partial(_collect, "pip-sync", positional=TargetKind.FILE),
    "pipx": _pipx,
    "uv": _uv,
    "uvx": partial(_collect, "uvx", flags="n", first_only=True),
}


def _reader(word: Word) -> Callable[[Words], Iterator[InstallTarget]] | None:
    name = _program(word)
    if not word.is_known:
        # `$PIP install` and `"$(PIP)" install` are recognized by the name of the variable.
        variable = _VARIABLE.search(word.source)
        tail = name.rpartition(UNKNOWN)[2]
        name = tail or (variable[1].lower().rpartition("_")[2] if variable else "")
    if _PIP.fullmatch(name):
        name = "pip"
    return _READERS.get(name)
