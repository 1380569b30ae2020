"""A requirement comes from the index that the machine is configured with, by its name.

Forbidden: a URL, a version control address, a path or an editable line; and in a requirements file
every option that changes where distributions come from or which are chosen: an index, find-links,
`--pre`, `--no-deps`, a trusted host, or one that is not known here.

Why: what a URL or a branch holds can change while the line stays the same, a path is only there on
one machine, and no specifier bounds either. An index in the file can serve another distribution
under a known name, a trusted host is not verified, and `--pre` and `--no-deps` change what a pin
means.

Instead: publish it to the index and pin it with `~=`. Configure indexes where the installer is
configured (`PIP_INDEX_URL`, `UV_INDEX`). Install first-party code by its own step, beside the file.

Allowed: `-r`, `-c`, `--hash`, `--require-hashes`, `--no-binary`, `--only-binary`,
`--prefer-binary`, `--config-settings`, `--global-option` and `--use-feature`.
"""

from collections.abc import Iterator

from pinproof.repository.loading import Repository
from pinproof.repository.requirements import Kind, Line
from pinproof.violations import Violation

CODE = "PIN003"

_ALLOWED = frozenset(
    {"--requirement", "--constraint", "--hash", "--require-hashes", "--no-binary", "--only-binary"}
    | {"--prefer-binary", "--config-settings", "--config-setting", "--global-option"}
    | {"--use-feature"}
)


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every line that leaves the configured index or changes how versions are chosen."""
    for line in repository.lines():
        message = _fault(line)
        if message:
            yield Violation(line.path, line.number, CODE, message, line.name)


def _fault(line: Line) -> str:
    if line.kind is Kind.DIRECT:
        return (
            f"{line.excerpt!r} does not come from an index by its name: "
            "publish it there and pin it with ~="
        )
    if line.kind is Kind.OPTION:
        refused = sorted({option.name for option in line.options} - _ALLOWED)
        if refused:
            return (
                f"{', '.join(refused)} does not belong in a requirements file: "
                "configure the installer instead"
            )
    return ""
