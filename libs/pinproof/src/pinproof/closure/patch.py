"""Changes of texts as a patch."""

import difflib
from collections.abc import Mapping


def unified_patch(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """A unified diff for `git apply` and `patch -p1`.

    Args:
        before: The old texts by path. A text that is missing is new.
        after: The new texts by path.
    """
    lines = (
        line
        for path, text in after.items()
        for line in difflib.unified_diff(
            before.get(path, "").splitlines(keepends=True),
            text.splitlines(keepends=True),
            f"a/{path}",
            f"b/{path}",
            n=1,
        )
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
