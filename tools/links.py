"""Checks that every relative link of the Markdown files leads somewhere: ``make check-links``.

A link leads to a file or a folder of the repository; its fragment is the anchor of a heading, as
GitHub makes it, or an ``id`` in the text.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote

ROOT: Final = Path(__file__).resolve().parents[1]

_LINK: Final = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_FENCE: Final = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_HEADING: Final = re.compile(r"^#{1,6} +(.*?)(?: +#+)?$", re.MULTILINE)
_SERVICE: Final = re.compile(r"/[A-Z]\w*(?:-[A-Z]\w*)+(?:/|$)")
_ID: Final = re.compile(r"<[^>]*\b(?:id|name)=\"([^\"]+)\"")


def main(root: Path = ROOT) -> None:
    """Print every link that leads nowhere, and exit with 1 if there is one."""
    # Links in templates are those of the folders that are made from them.
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", "*.md", ":!templates"],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    files = [root / name for name in sorted(filter(None, listed.split("\0")))]
    lines = [line for file in files if file.exists() for line in broken(file, root)]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    if lines:
        sys.exit(1)


def broken(file: Path, root: Path) -> Iterator[str]:
    """The links of a file that lead nowhere, each as ``file:line: message``."""
    text = _without(_SPAN, _without(_FENCE, file.read_text(encoding="utf-8")))
    for match in _LINK.finditer(text):
        address = match[1]
        if _ELSEWHERE.match(address):
            continue
        path, _, fragment = unquote(address).partition("#")
        target = (file.parent / path).resolve() if path else file
        # A record may be older than the removal of a service.
        if "adr" in file.parts and _SERVICE.search(path) and not target.exists():
            continue
        line = text.count("\n", 0, match.start()) + 1
        where = f"{file.relative_to(root)}:{line}"
        if not target.is_relative_to(root) or not target.exists():
            yield f"{where}: {address}: there is no {path}; correct or remove the link"
        elif fragment and target.suffix == ".md" and fragment not in anchors(target):
            yield f"{where}: {address}: no heading has this anchor; correct the part after #"


@cache
def anchors(file: Path) -> frozenset[str]:
    """The anchors of a Markdown file."""
    text = _without(_FENCE, file.read_text(encoding="utf-8"))
    found: dict[str, int] = {}
    names = set(_ID.findall(text))
    for heading in _HEADING.findall(text):
        # The text of a link, then letters, digits, hyphens and underscores; blanks are hyphens.
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        count = found[name] = found.get(name, -1) + 1
        names.add(f"{name}-{count}" if count else name)
    return frozenset(names)


def _without(pattern: re.Pattern[str], text: str) -> str:
    """The text with blank lines in place of a pattern, so that lines keep their numbers."""
    return pattern.sub(lambda match: "\n" * match[0].count("\n"), text)


if __name__ == "__main__":
    main()
