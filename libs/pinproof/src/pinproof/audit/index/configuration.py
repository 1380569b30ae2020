"""The indexes that uv or pip would install from, as both are configured.

Sources: `uv, package indexes <https://docs.astral.sh/uv/concepts/indexes/>`_, `pip, configuration
<https://pip.pypa.io/en/stable/topics/configuration/>`_.
"""

import configparser
import netrc
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from pinproof.audit.http_client import without_credentials
from pinproof.errors import PinproofError
from pinproof.python310 import tomllib

DEFAULT_INDEX = "https://pypi.org/simple/"
"""The default index of installers."""

_NAMED = re.compile(r"([\w.-]+)=(.+)")


class ConfigurationError(PinproofError):
    """A configuration file of uv or pip cannot be read."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The indexes to ask.

    Attributes:
        urls: Their addresses, with credentials. The first has priority.
        merged: Whether releases of all indexes count, as for pip. Otherwise only those of the first
            index that has the distribution count, as for uv.
        unread: The addresses of indexes that are not on an HTTP server, without credentials.
    """

    urls: tuple[str, ...]
    merged: bool = False
    unread: tuple[str, ...] = ()


def configured_indexes(
    given: Sequence[str], root: Path, environment: Mapping[str, str] = os.environ
) -> IndexSettings:
    """The given indexes, or those that uv is configured for, or else pip, or else PyPI.

    Args:
        given: The addresses from the command line. They may have a name as for uv: `name=https://…`.
        root: The folder whose `uv.toml` or `pyproject.toml` may configure uv.
        environment: The environment variables.

    Raises:
        ConfigurationError: A configuration file cannot be read.
    """
    merged = False
    urls = [_named(text, environment) for text in given]
    if not urls:
        urls = _of_uv(root, environment)
        merged = environment.get("UV_INDEX_STRATEGY", "first-index") != "first-index"
    if not urls:
        urls = _of_pip(environment)
        merged = True
    known = dict.fromkeys(urls or [DEFAULT_INDEX])
    read = [url for url in known if given or urlsplit(url).scheme in {"http", "https"}]
    return IndexSettings(
        tuple(_with_login(url, environment) for url in read),
        merged=merged,
        unread=tuple(without_credentials(url) for url in known if url not in read),
    )


def _of_uv(root: Path, environment: Mapping[str, str]) -> list[str]:
    """The indexes of uv in their order: the default index is the last."""
    first = [_named(text, environment) for text in environment.get("UV_INDEX", "").split()]
    first += environment.get("UV_EXTRA_INDEX_URL", "").split()
    default = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL")
    last = [_named(default, environment)] if default else []
    explicit: list[str] = []
    for table in _uv_tables(root, environment):
        for entry in table.get("index", ()):
            url = _logged_in(str(entry["url"]), str(entry.get("name", "")), environment)
            place = last if entry.get("default") else explicit if entry.get("explicit") else first
            place.append(url)
        first += table.get("extra-index-url", ())
        last += [table["index-url"]] if "index-url" in table else []
    if not first and not last and not explicit:
        return []
    return [*first, *(last[:1] or [DEFAULT_INDEX]), *explicit]


def _uv_tables(root: Path, environment: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The tables that configure uv, those of the highest priority first."""
    if named := environment.get("UV_CONFIG_FILE"):
        yield _toml(Path(named)) or {}
        return
    project = _toml(root / "uv.toml")
    if project is None:
        tool = (_toml(root / "pyproject.toml") or {}).get("tool", {})
        project = tool.get("uv") if isinstance(tool, dict) else None
    yield project if isinstance(project, dict) else {}
    user = environment.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    for folder in (user, "/etc"):
        yield _toml(Path(folder, "uv", "uv.toml")) or {}


def _of_pip(environment: Mapping[str, str]) -> list[str]:
    """The indexes of pip: its configuration files, the later ones first, then its variables."""
    settings: dict[str, str] = {}
    for path in _pip_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{path} is not a configuration file of pip.", remedy="Correct its syntax."
            ) from error
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= {key.replace("_", "-"): value for key, value in parser.items(section)}
    for key in ("index-url", "extra-index-url"):
        if value := environment.get(f"PIP_{key.upper().replace('-', '_')}"):
            settings[key] = value
    more = settings.get("extra-index-url", "").split()
    if "index-url" not in settings and not more:
        return []
    return [settings.get("index-url", DEFAULT_INDEX), *more]


def _pip_files(environment: Mapping[str, str]) -> Iterator[Path]:
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    for folder in environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    yield Path("~/.pip/pip.conf").expanduser()
    user = environment.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    yield Path(user, "pip", "pip.conf")
    yield Path(environment.get("VIRTUAL_ENV", sys.prefix), "pip.conf")
    if named:
        yield Path(named)


def _toml(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read, so the indexes of uv are unknown.",
            remedy="Correct it, or name the index with --index-url.",
        ) from error


def _named(text: str, environment: Mapping[str, str]) -> str:
    """The address in `name=https://…`, with the credentials that uv knows under that name."""
    match = _NAMED.fullmatch(text)
    return _logged_in(match[2], match[1], environment) if match else text


def _logged_in(url: str, name: str, environment: Mapping[str, str]) -> str:
    variable = re.sub(r"[^A-Z0-9]", "_", name.upper())
    user = environment.get(f"UV_INDEX_{variable}_USERNAME")
    password = environment.get(f"UV_INDEX_{variable}_PASSWORD")
    if not name or (user is None and password is None):
        return url
    return _with_credentials(url, user or "", password or "")


def _with_login(url: str, environment: Mapping[str, str]) -> str:
    """Add the credentials that `~/.netrc` has for the server, as pip and uv do."""
    path = Path(environment.get("NETRC") or Path("~/.netrc").expanduser())
    host = urlsplit(url).hostname
    if not host or not path.is_file():
        return url
    try:
        known = netrc.netrc(str(path)).authenticators(host)
    except (netrc.NetrcParseError, OSError) as error:
        raise ConfigurationError(f"{path} cannot be read.", remedy="Correct it.") from error
    return _with_credentials(url, known[0], known[2] or "") if known else url


def _with_credentials(url: str, user: str, password: str) -> str:
    """Add credentials to an address that has none."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return url
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))
