"""A requirement names a distribution of the configured index.

Forbidden: a URL, a version control address, a path or an editable line; and in a requirements file
every option that changes the sources or the choice of distributions: an index, find-links, `--pre`,
`--no-deps`, a trusted host, or an unknown option.

Why: the content of a URL or a branch can change while the line stays the same, a path exists on one
machine only, and no specifier bounds either. An index in the file can serve another distribution
under a known name, a trusted host is not verified, and `--pre` and `--no-deps` change what a pin
means.

Instead: publish the distribution to the index and pin it with `~=`. Configure indexes where the
installer runs (`pip.conf`, `uv.toml`). Install first-party code in a separate step.

Allowed: `-r`, `-c`, `--hash`, `--require-hashes`, `--no-binary`, `--only-binary`,
`--prefer-binary`, `--config-settings`, `--global-option` and `--use-feature`.
"""

from collections.abc import Iterator

from pinproof.repository.reader import Repository
from pinproof.repository.requirements import Line, LineKind
from pinproof.violations import Violation

CODE = "PIN003"

_ALLOWED = frozenset(
    {"--requirement", "--constraint", "--hash", "--require-hashes", "--no-binary", "--only-binary"}
    | {"--prefer-binary", "--config-settings", "--config-setting", "--global-option"}
    | {"--use-feature"}
)


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every line that bypasses the configured index or changes the choice of versions."""
    for line in repository.lines():
        message = _problem(line)
        if message:
            yield Violation(line.path, line.number, CODE, message, line.name)


def _problem(line: Line) -> str:
    if line.kind is LineKind.DIRECT:
        return (
            f"{line.excerpt!r} does not name a distribution of the index: "
            "publish it there and pin it with ~="
        )
    if line.kind is LineKind.OPTION:
        refused = sorted({option.name for option in line.options} - _ALLOWED)
        if refused:
            return (
                f"{', '.join(refused)} does not belong in a requirements file: "
                "configure the installer instead"
            )
    return ""
