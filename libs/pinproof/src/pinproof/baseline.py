"""A record of the violations that a repository has today, so that only new ones are reported."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from modelseal.records import first_error
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pinproof.closure.replace_files import replace_files
from pinproof.errors import PinproofError
from pinproof.repository.reader import UNUSABLE
from pinproof.violations import Violation

_NUMBER = re.compile(r"\d+")


class BaselineError(PinproofError):
    """A baseline cannot be read, or cannot be written."""


class _Key(NamedTuple):
    path: str
    code: str
    distribution: str | None
    digest: str | None

    def __str__(self) -> str:
        return f"{self.path}: {self.code}{f' of {self.distribution}' if self.distribution else ''}"


class BaselineEntry(BaseModel):
    """Violations of one rule by one distribution in one file, at any line.

    Attributes:
        path: The file, relative to the root.
        code: The code of the rule.
        distribution: The distribution in PEP 503 form, if they are about one.
        digest: Otherwise a digest of the message without its numbers.
        count: How many there are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    code: str
    distribution: str | None = None
    digest: str | None = None
    count: int = Field(ge=1)

    @property
    def key(self) -> _Key:
        """What the violations have in common."""
        return _Key(self.path, self.code, self.distribution, self.digest)


class Baseline(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    violations: tuple[BaselineEntry, ...]


@dataclass(frozen=True, slots=True)
class ComparedWithBaseline:
    """Violations after a baseline.

    Attributes:
        new: Those that the baseline does not have.
        known: Number of those that it has.
        stale: Its entries that have fewer violations by now, each as a line.
    """

    new: tuple[Violation, ...]
    known: int
    stale: tuple[str, ...]


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        BaselineError: The file is missing or is not a baseline.
    """
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise BaselineError(
            f"There is no baseline {path}.", remedy="Write it with --write-baseline."
        ) from error
    except OSError as error:
        raise BaselineError(
            f"{path} cannot be read ({error.strerror}).", remedy="Make it readable."
        ) from error
    except ValidationError as error:
        raise BaselineError(
            f"{path} is not a baseline ({first_error(error)}).",
            remedy="Write it again with --write-baseline.",
        ) from error


def write_baseline(path: Path, violations: Iterable[Violation]) -> int:
    """Write the baseline of these violations, as a whole or not at all. Returns their number.

    Raises:
        BaselineError: The folder of the file does not exist, or a file could not be checked.
    """
    found = list(violations)
    if unusable := [one for one in found if one.code == UNUSABLE]:
        raise BaselineError(
            "\n".join(f"{one.path}:{one.line}: {one.message}" for one in unusable) + ".",
            remedy="Correct this first: a baseline cannot contain what could not be checked.",
        )
    if not path.parent.is_dir():
        raise BaselineError(f"{path.parent} is not a folder.", remedy="Create it.")
    counted = Counter(map(_key, found))
    entries = [
        BaselineEntry(**key._asdict(), count=count)
        for key, count in sorted(counted.items(), key=lambda item: tuple(map(str, item[0])))
    ]
    lines = ",\n".join(f"    {entry.model_dump_json(exclude_none=True)}" for entry in entries)
    listed = f"[\n{lines}\n  ]" if lines else "[]"
    replace_files({path: f'{{\n  "format": 1,\n  "violations": {listed}\n}}\n'})
    return len(found)


def compare_with_baseline(
    baseline: Baseline, violations: Iterable[Violation]
) -> ComparedWithBaseline:
    """Separate the violations that a baseline has. What could not be checked is always new.

    If there are more violations of an entry than it counts, the last ones are new.
    """
    left = Counter({entry.key: entry.count for entry in baseline.violations})
    new = []
    known = 0
    for violation in violations:
        key = _key(violation)
        if violation.code != UNUSABLE and left[key] > 0:
            left[key] -= 1
            known += 1
        else:
            new.append(violation)
    stale = (
        f"{key} is in the baseline {count} time{'s' * (count > 1)} more than here"
        for key, count in left.items()
        if count > 0
    )
    return ComparedWithBaseline(new=tuple(new), known=known, stale=tuple(stale))


def _key(violation: Violation) -> _Key:
    digest = None
    if violation.distribution is None:
        # Numbers may be line numbers, which change with every edit.
        text = _NUMBER.sub("0", violation.message)
        digest = sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]
    return _Key(violation.path, violation.code, violation.distribution, digest)
