"""Finds what a command installs, from the options and arguments of each installer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import PurePosixPath, PureWindowsPath

from pinproof.rules.install_commands.command import UNKNOWN, Command, Word, is_harmless
from pinproof.rules.install_commands.options import Argument, arguments

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
    """What a command of an installer does with its arguments.

    Attributes:
        positional: The kind of the positional arguments; None if they are something else.
        manifests: The manifests that it installs from, if it has no positional argument.
        first_only: Whether the further words are arguments of the installed program.
        runs: Whether the positional arguments are a command.
    """

    positional: TargetKind | None = TargetKind.ANYTHING
    manifests: str = ""
    first_only: bool = False
    runs: bool = False


def _from(manifests: str) -> _Action:
    return _Action(None, manifests)


_NAMED = _Action()
_PROGRAM = _Action(first_only=True)
_FILES = _Action(TargetKind.FILE)
_RUNS = _Action(None, runs=True)
_SYSTEM = _Action(TargetKind.SYSTEM)
_CONDA = _Action(TargetKind.CONDA)
_CONDA_ENV = _Action(TargetKind.FOREIGN, "environment.yml|environment.yaml")
_PROJECT = _from("pyproject.toml")
_SETUP = _from("setup.py|setup.cfg|pyproject.toml")
_SYSTEM_VERBS = {"install": _SYSTEM, "reinstall": _SYSTEM}

# The commands of each installer that install something.
_ACTIONS: Mapping[str, Mapping[str, _Action]] = {
    "pip": {"install": _NAMED, "download": _NAMED, "wheel": _NAMED},
    "pip-sync": {"": _FILES},
    "uv": {
        "pip install": _NAMED,
        "pip sync": _FILES,
        "add": _NAMED,
        "run": _RUNS,
        "sync": _PROJECT,
        "tool install": _NAMED,
        "tool run": _PROGRAM,
        "tool upgrade": _NAMED,
    },
    "pipx": {
        **dict.fromkeys(("install", "inject", "install-all", "upgrade"), _NAMED),
        "run": _PROGRAM,
    },
    "conda": {
        **dict.fromkeys(("install", "create", "update", "upgrade"), _CONDA),
        **dict.fromkeys(("env create", "env update"), _CONDA_ENV),
        "run": _RUNS,
    },
    "poetry": {"add": _NAMED, "self add": _NAMED, "install": _PROJECT, "sync": _PROJECT},
    "pdm": {"add": _NAMED, "install": _PROJECT, "sync": _PROJECT},
    "pipenv": {"install": _Action(manifests="Pipfile"), "sync": _from("Pipfile")},
    "rye": {"add": _NAMED, "install": _NAMED, "tools install": _NAMED, "sync": _PROJECT},
    "pixi": {
        **dict.fromkeys(("add", "global install", "global add", "exec"), _CONDA),
        "install": _from("pixi.toml|pyproject.toml"),
    },
    "setup.py": {"install": _SETUP, "develop": _SETUP, "easy_install": _NAMED},
    "easy_install": {"": _NAMED},
    **dict.fromkeys(("apt-get", "pkg"), _SYSTEM_VERBS),
    "dnf": {**_SYSTEM_VERBS, "localinstall": _SYSTEM, "update": _SYSTEM, "upgrade": _SYSTEM},
    "zypper": {**_SYSTEM_VERBS, "in": _SYSTEM},
    "apk": {"add": _SYSTEM},
    "pacman": {"": _SYSTEM},
    **{tool: {"": _SYSTEM} for tool in ("emerge", "xbps-install", "nix-env")},
}
# Other names, each with the installer and the command of it that it means.
_ALIASES = {
    **dict.fromkeys(("mamba", "micromamba"), ("conda", "")),
    **dict.fromkeys(("apt", "aptitude", "apt-fast", "opkg"), ("apt-get", "")),
    **dict.fromkeys(("yum", "microdnf", "tdnf", "rpm-ostree", "dnf5"), ("dnf", "")),
    "uvx": ("uv", "tool run"),
}
_PIP = re.compile(r"(?:pip-?[\d.]*|pip\._?\w+(?:\.\w+)*)")
_MODULE = re.compile(r"-[A-Za-z]*m(?=[a-z])")
_VARIABLE = re.compile(r"\$[({]?(\w+)[)}]?")
_COMMA = re.compile(r",(?=[A-Za-z])")
_SETTING = re.compile(r"(?:PIP|UV)_(\w+)=(.*)", re.DOTALL)

_ROLES = {
    **dict.fromkeys(
        (
            *("--requirement", "--requirements", "--with-requirements", "--override"),
            *("--overrides", "--requirements-from-script"),
        ),
        TargetKind.FILE,
    ),
    **dict.fromkeys(("--editable", "--with-editable"), TargetKind.FOLDER),
    **dict.fromkeys(
        ("--with", "--from", "--spec", "--preinstall", "--with-executables-from"),
        TargetKind.ANYTHING,
    ),
    "--file": TargetKind.FOREIGN,
}
_CHANGES = frozenset(
    {"--pre", "--prerelease", "--all-releases", "--no-deps", "--no-dependencies", "--index-url"}
    | {"--extra-index-url", "--index", "--default-index", "--find-links", "--trusted-host"}
    | {"--allow-insecure-host", "--insecure-host"}
)
_HARMLESS_CHANGE = re.compile(
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
    if not words or is_harmless([word.value for word in words]):
        return
    for place, word in enumerate(words):
        name = _installer(word)
        if name is None:
            continue
        rest = list(words[place + 1 :])
        if any(_program(before) in ("xargs", "parallel") for before in words[:place]):
            rest.append(Word(UNKNOWN, "what xargs reads"))
        settings = (*command.settings, *words[:place])
        found = list(_targets(name, rest, settings))
        yield from found
        if found:
            return


def is_installer(word: Word) -> bool:
    """Whether a word is the name of an installer."""
    return word.is_known and _installer(word) is not None


def _program(word: Word) -> str:
    return PurePosixPath(word.value).name.removesuffix(".exe")


@cache
def _known(name: str) -> str | None:
    name = _MODULE.sub("", name)
    if _PIP.fullmatch(name):
        return "pip"
    return name if name in _ACTIONS or name in _ALIASES else None


def _installer(word: Word) -> str | None:
    name = _program(word)
    if not word.is_known:
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
    tool, command = _ALIASES.get(name, (name, ""))
    commands = _ACTIONS[tool]
    label = name if command or name in commands else tool
    before: list[Argument] = []
    while command not in commands:
        given = list(arguments(words, tool, command))
        verb = next((argument for argument in given if not argument.option), None)
        if verb is None:
            return
        longer = f"{command} {verb.word.value}".strip()
        is_known = any(f"{known} ".startswith(f"{longer} ") for known in commands)
        if not is_known or " " in verb.word.value:
            if tool == "pip" and not verb.word.is_known:
                yield InstallTarget(tool, TargetKind.ANYTHING, verb.word)
            return
        before += [argument for argument in given if argument.place < verb.place]
        command, words = longer, words[verb.place + 1 :]
        label = f"{tool} {longer}"
    read = _Reader(label, tool, command, commands[command])
    if tool != "pacman" or any(word.value.startswith("-S") for word in words):
        yield from read.targets(words, before, settings)


@dataclass(frozen=True, slots=True)
class _Reader:
    label: str
    tool: str
    command: str
    action: _Action

    def targets(
        self, words: Words, before: Sequence[Argument], settings: Words
    ) -> Iterator[InstallTarget]:
        given = [*before, *arguments(words, self.tool, self.command)]
        positional = [argument for argument in given if not argument.option]
        if (self.action.first_only or self.action.runs) and positional:
            first = positional[0].place
            given = [*before, *(each for each in given[len(before) :] if each.place <= first)]
            positional = positional[:1]
            if any(argument.option in ("--from", "--spec") for argument in given):
                # The program is one of the named distribution.
                given = [argument for argument in given if argument.option]
        given = [*(set_by for word in settings for set_by in self._set(word)), *given]
        found = [target for argument in given for target in self._argument(argument)]
        if self.action.manifests and not any(t.kind is not TargetKind.CHANGE for t in found):
            manifests = self.action.manifests
            found.append(self._target(TargetKind.MANIFEST, Word(manifests, self.label)))
        yield from found
        yield from self._changes(given, found)
        if self.action.runs and positional:
            yield from install_targets(Command(0, tuple(words[positional[0].place :])))

    def _target(self, kind: TargetKind, word: Word) -> InstallTarget:
        return InstallTarget(self.label, kind, word)

    def _set(self, word: Word) -> Iterator[Argument]:
        """Yield the option that a setting such as `PIP_PRE=1` means."""
        setting = _SETTING.fullmatch(word.value)
        if setting and self.tool in ("pip", "uv", "pip-sync"):
            option = f"--{setting[1].lower().replace('_', '-')}"
            yield Argument(option, Word(setting[2], word.source), -1)

    def _argument(self, argument: Argument) -> Iterator[InstallTarget]:
        if not argument.option:
            if self.action.positional is not None:
                yield self._target(self.action.positional, argument.word)
            return
        role = _ROLES.get(argument.option)
        if role is TargetKind.ANYTHING:
            if self.tool in ("uv", "pipx", "pixi"):
                for name in _COMMA.split(argument.word.value):
                    yield self._target(role, Word(name, argument.word.source))
        elif role is TargetKind.FOREIGN:
            if self.tool == "conda":
                yield self._target(role, argument.word)
        elif role is not None:
            yield self._target(role, argument.word)
        elif argument.option == "--group" and self.label in ("pip install", "uv pip install"):
            yield self._target(TargetKind.MANIFEST, Word("pyproject.toml", argument.word.source))

    def _changes(
        self, given: Sequence[Argument], found: Sequence[InstallTarget]
    ) -> Iterator[InstallTarget]:
        """Yield the options that change what the pins of a file mean."""
        of_files = any(target.kind is TargetKind.FILE for target in found)
        of_projects = any(
            target.kind in (TargetKind.FOLDER, TargetKind.MANIFEST)
            or "/" in target.word.value
            or target.word.value.startswith(".")
            for target in found
        )
        offline = any(argument.option == "--no-index" for argument in given)
        for option, word, place in given:
            if option not in _CHANGES or not (of_files or of_projects):
                continue
            if option.startswith("--no-dep") and not of_files:
                continue
            value = word.value
            is_local = option == "--find-links" and "://" not in value
            if _HARMLESS_CHANGE.fullmatch(value) or (offline and is_local):
                continue
            flag = value.startswith("-") or place < 0
            written = word.source if flag else f"{option} {word.source}"
            yield self._target(TargetKind.CHANGE, Word(value, written))
