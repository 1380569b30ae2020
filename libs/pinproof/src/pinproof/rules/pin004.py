"""A distribution stands once in a file.

Forbidden: two lines of one requirements file, or of one list of a pyproject.toml, that name the
same distribution and apply to the same environment. Names are compared in their PEP 503 form:
`Typing_Extensions` is `typing-extensions`.

Why: a reader finds one of them, an installer takes both, and an update changes one.

Instead: keep one line, with all extras. Where environments need different pins, give the lines
markers that exclude each other, such as `sys_platform == "linux"` and `sys_platform != "linux"`:
they are evaluated over every environment that `pins.toml` names.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pinproof.repository import Repository
from pinproof.violations import Violation

if TYPE_CHECKING:
    from pinproof.requirements import Line

CODE = "PIN004"


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield each line that repeats an earlier one for some environment."""
    for lines in repository.files.values():
        earlier: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in lines:
            if line.name is None:
                continue
            same = earlier[line.section, line.name]
            first = next((other for other in same if repository.meet(line, other)), None)
            if first:
                message = (
                    f"{line.name} already stands on line {first.number}: "
                    "keep one of the two, or give them markers that exclude each other"
                )
                yield Violation(line.path, line.number, CODE, message, line.name)
            same.append(line)
