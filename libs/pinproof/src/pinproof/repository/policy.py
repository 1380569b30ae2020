"""The pin policy of a repository, read from `pins.toml` at its root.

A repository without the file is checked with the defaults. A repository may have a file in the
folder of each service instead of a list: `service_files` names them, and their tables `proof`,
`exceptions` and `exclusions` are about their folder.
"""

import re
from collections.abc import Collection
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar

from packaging.utils import canonicalize_name
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pinproof.errors import PinproofError
from pinproof.python310 import tomllib
from pinproof.repository.marker_environments import PLATFORMS

POLICY_FILE = "pins.toml"
PROD = "requirements-prod.txt"
DEV = "requirements-dev.txt"


class PolicyError(PinproofError):
    """`pins.toml` cannot be read, or is invalid."""


def _python(value: str) -> str:
    if not re.fullmatch(r"\d+\.\d+", value, re.ASCII):
        raise ValueError('write a minor version of Python, like "3.11"')
    return value


def _platform(value: str) -> str:
    if value not in PLATFORMS:
        raise ValueError(f"write one of {', '.join(PLATFORMS)}")
    return value


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or "\\" in value or path == PurePosixPath():
        raise ValueError('write a path below the root, with "/" between the folders')
    return str(path)


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("write the reason")
    return value


def _identifier(value: str) -> str:
    if not value or value.split() != [value]:
        raise ValueError("write an identifier, like CVE-2025-54121")
    return value


def _pattern(value: str) -> str:
    if PurePosixPath(_inside(value)).parent == PurePosixPath():
        raise ValueError('write a pattern of files in folders, like "*/service.toml"')
    return value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("name at least one")
    return value


_SOME = AfterValidator(_some)
InsidePath = Annotated[str, AfterValidator(_inside)]
Name = Annotated[str, AfterValidator(canonicalize_name), Field(min_length=1)]

# The rules about files and commands, which may have no known distribution.
_OF_PATHS = frozenset({"PIN005", "PIN007"})


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PinException(_Frozen):
    """A violation that is allowed until a date.

    Attributes:
        rule: The code of the rule, such as `PIN001`.
        distribution: The distribution in any spelling; stored in PEP 503 form. None means any, for
            rules about commands.
        path: The file or folder that the exception is limited to. None means the whole repository.
        reason: Why the violation is allowed.
        expires: The last day of the exception.
    """

    rule: Annotated[str, Field(pattern=r"^PIN\d{3}$")]
    distribution: Name | None = None
    path: InsidePath | None = None
    reason: Annotated[str, AfterValidator(_text)]
    expires: date

    @model_validator(mode="after")
    def _is_limited(self) -> "PinException":
        if self.distribution is None and (self.rule not in _OF_PATHS or self.path is None):
            raise ValueError(
                "name the distribution; it may be left out only for "
                f"{', '.join(sorted(_OF_PATHS))} and with a path"
            )
        return self

    def covers(self, rule: str, distribution: str | None, path: str) -> bool:
        """Whether this exception covers a violation."""
        return (
            rule == self.rule
            and self.distribution in (None, distribution)
            and (self.path is None or PurePosixPath(path).is_relative_to(self.path))
        )


class Exclusion(_Frozen):
    """A distribution that is never installed, even if something requires it.

    Attributes:
        distribution: The distribution in any spelling; stored in PEP 503 form.
        path: The file or folder that the exclusion is limited to. None means the whole repository.
        reason: Why it is excluded.
    """

    distribution: Name
    path: InsidePath | None = None
    reason: Annotated[str, AfterValidator(_text)]


class IgnoredAdvisory(_Frozen):
    """An advisory that is ignored until a date.

    Attributes:
        id: One of its identifiers, such as `CVE-2025-54121`.
        distribution: The distribution that the entry is limited to, in any spelling.
        reason: Why the advisory is ignored.
        expires: The last day of the entry.
    """

    id: Annotated[str, AfterValidator(_identifier)]
    distribution: Name | None = None
    reason: Annotated[str, AfterValidator(_text)]
    expires: date

    def covers(self, names: Collection[str], distribution: str) -> bool:
        """Whether this entry covers an advisory with these identifiers for a distribution."""
        return self.id.casefold() in map(str.casefold, names) and (
            self.distribution in (None, distribution)
        )


class Skip(_Frozen):
    """A distribution that `outdated` and `audit` do not look up until a date.

    Attributes:
        distribution: The distribution in any spelling; stored in PEP 503 form.
        reason: Why it is skipped.
        expires: The last day of the entry.
    """

    distribution: Name
    reason: Annotated[str, AfterValidator(_text)]
    expires: date


class Proof(_Frozen):
    """The `[proof.SERVICE]` table, or `[proof]` of a service file: how its pins are proven.

    Commands are arguments of the environment's interpreter. In them, `{data}` is the folder that
    `prepare` fills, `{model}` the folder of the sealed model, and `{work}` a temporary folder.

    Attributes:
        first_party: The source folders of the service, its own included. The folder of a service
            file need not be listed.
        prepare: Commands that write the data. They run once, under today's pins.
        train: Commands that train on that data and seal the model.
        metrics: The largest change of each metric of the manifest that a retrained model may have.
    """

    first_party: tuple[InsidePath, ...] = ()
    prepare: tuple[tuple[str, ...], ...] = ()
    train: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    metrics: dict[str, Annotated[float, Field(ge=0)]] = {}


class _Table(_Frozen):
    """The `[policy]` table."""

    pythons: Annotated[tuple[Annotated[str, AfterValidator(_python)], ...], _SOME] = (
        "3.10",
        "3.11",
        "3.12",
        "3.13",
        "3.14",
    )
    platforms: Annotated[tuple[Annotated[str, AfterValidator(_platform)], ...], _SOME] = tuple(
        PLATFORMS
    )
    services: tuple[InsidePath, ...] = ()
    service_files: Annotated[str, AfterValidator(_pattern)] | None = None
    exclude: tuple[InsidePath, ...] = ()


class _ServiceFile(BaseModel):
    """The tables of a service file that this policy reads; it may have others."""

    model_config = ConfigDict(frozen=True)

    exceptions: tuple[PinException, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    proof: Proof | None = None


_Entry = TypeVar("_Entry", PinException, Exclusion)
_Model = TypeVar("_Model", bound=BaseModel)


class _Lists(_Frozen):
    exceptions: tuple[PinException, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    ignores: tuple[IgnoredAdvisory, ...] = ()
    skips: tuple[Skip, ...] = ()
    proof: dict[InsidePath, Proof] = {}


class _File(_Lists):
    policy: _Table = _Table()


class Policy(_Lists, _Table):
    """The contents of `pins.toml`.

    Attributes:
        pythons: The supported minor versions of Python.
        platforms: The supported platforms, as `marker_environments` names them.
        services: Folders that must have production and development requirements, those of the
            service files included.
        service_files: The pattern of the service files, such as `*/service.toml`.
        exclude: Files and folders that are not read.
        exceptions: The allowed violations.
        exclusions: The distributions that are never installed.
        ignores: The ignored advisories.
        skips: The distributions that are not looked up in an index.
        proof: How the pins of each service are proven, by its folder.
    """

    def excluded_from(self, path: str) -> dict[str, str]:
        """The distributions that are excluded from a file or folder, each with the reason."""
        return {
            exclusion.distribution: exclusion.reason
            for exclusion in self.exclusions
            if exclusion.path is None or PurePosixPath(path).is_relative_to(exclusion.path)
        }


def policy_files(root: Path) -> list[str]:
    """The files that a policy is read from, as paths below the root: `pins.toml` is first.

    Raises:
        PolicyError: `pins.toml` is invalid.
    """
    document = _document(root, POLICY_FILE)
    pattern = _validated(_File, document or {}, POLICY_FILE).policy.service_files
    found = sorted(root.glob(pattern)) if pattern else ()
    return [POLICY_FILE, *(path.relative_to(root).as_posix() for path in found)]


def find_root(path: Path) -> Path | None:
    """The nearest folder above a file that has a policy."""
    return next((folder for folder in path.parents if (folder / POLICY_FILE).is_file()), None)


def load_policy(root: Path) -> Policy:
    """Read `pins.toml` at `root`; return the defaults if there is none.

    Raises:
        PolicyError: The file is invalid. The message lists every error.
    """
    document = _document(root, POLICY_FILE) or {}
    file = _validated(_File, document, POLICY_FILE)
    rest = {key: value for key, value in file if key != "policy"}
    policy = Policy(**dict(file.policy), **rest)
    for name in policy_files(root)[1:]:
        policy = _with_service(policy, root, name)
    return policy


def _with_service(policy: Policy, root: Path, name: str) -> Policy:
    """A policy with the tables of a service file, whose paths begin at its folder."""
    service = PurePosixPath(name).parent.as_posix()
    file = _validated(_ServiceFile, _document(root, name) or {}, name)
    changes: dict[str, Any] = {
        key: (*getattr(policy, key), *(_below(service, entry) for entry in getattr(file, key)))
        for key in ("exceptions", "exclusions")
    }
    changes["services"] = tuple(dict.fromkeys((*policy.services, service)))
    if file.proof is not None:
        folders = dict.fromkeys((*file.proof.first_party, service))
        proof = file.proof.model_copy(update={"first_party": tuple(folders)})
        changes["proof"] = {**policy.proof, service: proof}
    return policy.model_copy(update=changes)


def _below(service: str, entry: _Entry) -> _Entry:
    path = f"{service}/{entry.path}" if entry.path else service
    return entry.model_copy(update={"path": path})


def _document(root: Path, name: str) -> dict[str, Any] | None:
    """The contents of a TOML file; None if it does not exist."""
    try:
        return tomllib.loads((root / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PolicyError(
            f"{name} cannot be read ({error.strerror}).", remedy="Make it readable."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{name} is not TOML: {error}.", remedy="Correct its syntax.") from error


def _validated(model: type[_Model], document: dict[str, Any], name: str) -> _Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise PolicyError(
            "\n".join(f"{name}: {mistake}." for mistake in _mistakes(error)),
            remedy="The README of pinproof lists the keys and their values.",
        ) from error


def _mistakes(error: ValidationError) -> list[str]:
    """One phrase for each error, beginning with its key."""
    return [
        f"{'.'.join(map(str, mistake['loc']))}: "
        + {
            "extra_forbidden": "unknown key, remove it or correct its spelling",
            "missing": "missing key, add it",
        }.get(mistake["type"], mistake["msg"].removeprefix("Value error, "))
        for mistake in error.errors()
    ]
