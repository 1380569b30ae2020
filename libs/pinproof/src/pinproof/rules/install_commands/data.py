"""Reads the commands in values: every text and every list of texts that is one.

The values are those of a data file, or those that a program gives to its functions.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from pinproof.repository import kinds
from pinproof.repository.installer_words import INSTALLER, may_install
from pinproof.repository.kinds import kind_of
from pinproof.rules.install_commands.calls import is_call, is_prose, is_prose_key, shows, starts
from pinproof.rules.install_commands.command import (
    UNKNOWN,
    Command,
    Script,
    Word,
    without_expressions,
)
from pinproof.rules.install_commands.data_formats import load_documents
from pinproof.rules.install_commands.installers import install_targets, is_installer
from pinproof.rules.install_commands.shell import inner_scripts, shell_commands
from pinproof.rules.install_commands.structure import Text, Value, split, texts_of, word_of
from pinproof.rules.install_commands.tables import installers
from pinproof.rules.install_commands.text_lines import line_commands

_COMMENT_LINE = re.compile(r"^\s*#.*$", re.MULTILINE)
_PYTHON = re.compile(r"^(?:import|from)\s+\w", re.MULTILINE)
_ENVIRONMENT = re.compile(r"env|environ|environment|variables|vars")
# A package of Node.js with its version, which hooks also have.
_NODE = re.compile(r"@?[\w./-]+@[\w.^~-]+")
_SETTING = re.compile(r"(?:PIP|UV)_\w+")
_VERBS = frozenset(
    {"add", "create", "download", "env", "inject", "install", "pip", "run", "sync", "tool", "wheel"}
)
# A program and options before its subcommand.
_LONGEST_HEAD = 6


def data_commands(script: Script) -> Iterator[Command | Script]:
    """Yield the commands of every document.

    A template that is not of the format before it is filled in is read line by line.

    Raises:
        ValueError: The text is not of its format, and no line of it calls an installer.
    """
    documents = load_documents(script.text, script.name, script.line)
    if documents is not None:
        is_conda = kind_of(script.name) is kinds.CONDA
        for document in documents:
            if isinstance(document, dict) and (is_conda or "channels" in document):
                # These are requirements, and are checked as such.
                document.pop("dependencies", None)
        yield from value_commands(documents, Place("", depth=script.depth + 1))
        return
    commands = list(line_commands(script))
    if not any(
        isinstance(each, Command) and any(install_targets(each)) for each in commands
    ) and may_install(_COMMENT_LINE.sub("", script.text).encode()):
        raise ValueError("it cannot be parsed")
    yield from commands


FUNCTION = "()"
"""The owner of the arguments of a function, whose key is its name."""


class Place(NamedTuple):
    """Where a value is.

    Attributes:
        key: The key or the function that has it.
        owner: The key of the mapping with this key, or `FUNCTION`.
        settings: The variables of installers that apply to it.
        is_program: Whether a program has it. Most texts of programs are no commands.
        is_given: Whether a function receives it, by itself or in a list.
        depth: The depth of scripts in it.
    """

    key: str
    owner: str = ""
    settings: Mapping[str, str] = {}
    is_program: bool = False
    is_given: bool = False
    depth: int = 1


def value_commands(value: Value, place: Place) -> Iterator[Command | Script]:
    """Yield the commands of a value and of the values in it."""
    pending = [(value, place)]
    seen: set[int] = set()
    while pending:
        value, place = pending.pop()
        if isinstance(value, Text):
            if "=" in value and place.key.rpartition(".")[2] == "pip":
                # Ansible's module for pip, on one line.
                entries = dict(each.partition("=")[::2] for each in split(value))
                value = {key: Text(each, value.line) for key, each in entries.items()}
            elif _words_before(place.owner, place.key) or (
                not is_prose_key(place.key) and INSTALLER.search(value)
            ):
                yield from _text_commands(value, place)
        if not isinstance(value, dict | list | tuple) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            yield from mapping_commands(value)
            settings = {**place.settings, **dict(_settings(value))}
            inner = (place.key, settings, place.is_program, False, place.depth)
            pending += [(each, Place(key, *inner)) for key, each in reversed(value.items())]
        else:
            if isinstance(value, list):
                texts = [item for item in value if isinstance(item, Text)]
                yield from list_commands(texts, place)
                if implied_words(texts, place):
                    continue
            pending += [(each, place) for each in reversed(value)]


def list_commands(texts: Sequence[Text], place: Place) -> Iterator[Command | Script]:
    """Yield the command whose words are a list of texts, or that installs them."""
    if implied_words(texts, place):
        yield from implied_commands(texts, place)
        return
    words = tuple(map(word_of, texts))
    is_call = any(one.value in _VERBS and is_installer(tool) for tool, one in pairwise(words))
    if texts and (is_call or starts(place.key)) and not is_prose_key(place.key):
        settings = tuple(Word(f"{name}={value}", name) for name, value in place.settings.items())
        command = Command(next(filter(INSTALLER.search, texts), texts[0]).line, words, settings)
        if not is_prose(command):
            yield command
            for script, name in inner_scripts(words):
                yield Script(script, name, command.line, place.settings, place.depth)


def implied_commands(texts: Sequence[Text], place: Place) -> Iterator[Command]:
    """Yield the command that a key or a function implies, if it does."""
    if implied := implied_words(texts, place):
        words = tuple(map(word_of, texts))
        yield Command(texts[-1].line, (*implied, *_with_options(words, implied)))


def implied_words(texts: Sequence[Text], place: Place) -> tuple[Word, ...]:
    """The words that a key or a function puts before its values: `packages_to_install`, `pip`."""
    words = _words_before(place.owner, place.key) if texts else ""
    if words == "python -m pip" and texts[0].split()[:1] != ["install"]:
        # A function of this name may do anything else.
        return ()
    return tuple(Word(word, place.key) for word in words.split())


@lru_cache(maxsize=4096)
def _words_before(owner: str, key: str) -> str:
    is_function = owner == FUNCTION
    table = installers()["implied"]["functions" if is_function else "keys"]
    name = key if is_function else f"{owner}.{key}"
    found = (words for words, names in table.items() if re.fullmatch("|".join(names), name))
    return next(found, "")


def _with_options(words: Sequence[Word], implied: Sequence[Word]) -> Iterator[Word]:
    """Yield the names that a list installs, and -r before those of files."""
    for before, word in pairwise((*implied, *words)):
        if word in words and word.value not in ("pip", "") and not _NODE.fullmatch(word.value):
            is_told = before.value.startswith("-") or word.value.startswith("-")
            if word.value.endswith((".txt", ".in")) and not is_told:
                yield Word("-r", "-r")
            yield from (Word(part, word.source) for part in word.value.split())


def mapping_commands(entries: dict[str, Value]) -> Iterator[Command]:
    """Yield commands whose words are in several values: `entrypoint: pip`, `args: [install, x]`."""
    for head in filter(starts, entries):
        program = tuple(map(word_of, _parts(entries[head])))
        is_head = len(program) <= _LONGEST_HEAD and any(map(is_installer, program))
        if not is_head or any(install_targets(Command(1, program))):
            continue
        for tail, value in entries.items():
            more = tuple(map(word_of, _parts(value))) if tail != head else ()
            if more and not is_prose_key(tail) and not any(map(is_installer, more)):
                yield Command(_parts(entries[head])[0].line, (*program, *more))


def _parts(value: Value) -> list[Text]:
    return list(texts_of(value)) if isinstance(value, list) else split(value)


def _settings(entries: dict[str, Value]) -> Iterator[tuple[str, str]]:
    """Yield the variables of installers that a mapping sets for the commands in it."""
    for key, value in entries.items():
        if _ENVIRONMENT.fullmatch(key) and isinstance(value, dict | list):
            for name, text in value.items() if isinstance(value, dict) else _named(value):
                if isinstance(text, Text) and _SETTING.fullmatch(name):
                    yield name, text


def _named(items: list[Value]) -> Iterator[tuple[str, Value]]:
    """Yield the variables of a list of Kubernetes, whose items have a name and a value."""
    for item in items:
        if isinstance(item, dict):
            yield str(item.get("name")), item.get("value")


def _text_commands(text: Text, place: Place) -> Iterator[Command | Script]:
    script = without_expressions(text).replace(UNKNOWN, "${unknown}")
    is_list = place.key in ("pip", "packages", "requirements") and not place.owner.endswith("pip")
    if not is_list and "\n" not in text and implied_words([text], place):
        yield from implied_commands([text], place)
    elif not _is_command(text, place):
        return
    elif name := _file_name(script, place.key):
        yield Script(script, name, text.line, place.settings, place.depth)
    else:
        # Sentences quote commands in backticks, and pages fence them.
        unquoted = Script(script.replace("`", " ")) if "`" in script else None
        first = next(shell_commands(unquoted), None) if unquoted else None
        if "```" in script or (isinstance(first, Command) and is_prose(first)):
            return
        is_told = starts(place.key) or is_call(f"{text} ")
        for each in shell_commands(Script(script, ".sh", text.line, place.settings, place.depth)):
            if isinstance(each, Script) or (
                not is_prose(each) and (is_told or any(w.value in _VERBS for w in each.words))
            ):
                yield each


def _is_command(text: Text, place: Place) -> bool:
    """Whether a text may be a command, as far as its key tells."""
    if place.is_program:
        is_told = place.is_given and not shows(place.key) and is_call(text)
        return is_told or (starts(place.key) and INSTALLER.search(text) is not None)
    return not is_prose_key(place.key) and INSTALLER.search(text) is not None


def _file_name(script: str, key: str) -> str:
    """The name of the file that a text is, if it is one that is known by its name or its text."""
    if "\n" not in script.strip():
        return ""
    if script.startswith("#!") or (
        kind_of(key) is not kinds.OTHER and ("." in key or key.lower().endswith("file"))
    ):
        return key or ".sh"
    if _PYTHON.search(script):
        try:
            ast.parse(script)
        except (SyntaxError, ValueError):
            # A script of the shell may have a program in a here-document.
            return ""
        return ".py"
    return ""
