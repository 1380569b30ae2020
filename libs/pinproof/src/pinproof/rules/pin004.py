"""A file has one line for each distribution.

Forbidden: two lines of one requirements file, or of one list of a pyproject.toml, that name the
same distribution and apply to the same environment. Names are compared in their PEP 503 form:
`Typing_Extensions` is `typing-extensions`.

Why: a reader finds one of them, an installer uses both, and an update changes one.

Instead: keep one line, with all extras. If environments need different pins, give the lines markers
that exclude each other, such as `sys_platform == "linux"` and `sys_platform != "linux"`. They are
evaluated for every environment that `pins.toml` names.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pinproof.repository.pin_index import PinIndex
from pinproof.repository.reader import Repository
from pinproof.violations import Violation

if TYPE_CHECKING:
    from pinproof.repository.requirements import Line

CODE = "PIN004"


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield each line that repeats an earlier one for the same environment."""
    for lines in repository.files.values():
        by_name: defaultdict[tuple[str, str | None], list[Line]] = defaultdict(list)
        for line in lines:
            by_name[line.section, line.name].append(line)
        for (_, name), same in by_name.items():
            if name is None or len(same) == 1:
                continue
            index = PinIndex(repository.policy)
            for line in same:
                if first := index.find(line):
                    message = (
                        f"{name} is already on line {first.number}: "
                        "keep one of the two, or give them markers that exclude each other"
                    )
                    yield Violation(line.path, line.number, CODE, message, name)
                index.add(line)
