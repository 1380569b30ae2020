"""Renames a service: ``make rename-service FROM=… TO=…``.

Folder, import package, image, and the names in clusters, metrics and addresses follow from the new
name, as those of a new service do: Credit-Risk has the package ``credit``.
"""

import argparse
import re
import sys
from pathlib import Path

from service_files import ServiceFileError, services
from service_names import check_name, package_of
from working_tree import HISTORY, ROOT, clear_folder, fail, git, require_clean


def main() -> None:
    """Rename the service that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", help="Folder of the service.")
    parser.add_argument("new", help="New name of the folder, such as Credit-Risk.")
    options = parser.parse_args()
    try:
        found = {service.name: service for service in services(ROOT)}
    except ServiceFileError as error:
        fail(f"{error}.", "Correct it first.")
    if options.old not in found:
        fail(f"There is no service {options.old!r}.", f"Name one of {', '.join(found)}: FROM=…")
    others = [service for name, service in found.items() if name != options.old]
    if wrong := check_name(options.new, ROOT, others):
        fail(wrong, "Choose another name: TO=…")
    require_clean()
    # Elsewhere only derived files have the package, and it may be a word of any text.
    full = full_names(options.old, options.new)
    words = full | packages(options.old, found[options.old].package, options.new)
    names = git("ls-files", "-z", "--", ".", *HISTORY).split("\0")
    files = [Path(name) for name in names if name and not (ROOT / name).is_symlink()]
    for file in files:
        _replace_in(ROOT / file, words if file.parts[0] == options.old else full)
    for file in files:
        if file.parts[0] != options.old:
            continue
        moved = Path(replace(str(file), words))
        if moved != file:
            (ROOT / moved).parent.mkdir(parents=True, exist_ok=True)
            git("mv", str(file), str(moved))
    clear_folder(ROOT / options.old)
    sys.stdout.write(
        f"Renamed {options.old} to {options.new}. Models that were sealed under the old name do not"
        f" open:\ntrain again. {options.old} may still have files that git does not know, such as"
        " models;\nremove it when you need them no longer. Read the difference of its texts: where"
        f" {found[options.old].package}\nis also a word of them, it is replaced too.\n"
    )


def full_names(old: str, new: str) -> dict[str, str]:
    """The names of a service's folder and image, each with the new one.

    Args:
        old: Folder of the service.
        new: New name of the folder.
    """
    return {old: new, old.lower(): new.lower()}


def packages(old: str, package: str, new: str) -> dict[str, str]:
    """The name of a service's package in every case, each with the new one.

    Args:
        old: Folder of the service.
        package: Its import package.
        new: New name of the folder.
    """
    return {
        old.partition("-")[0]: new.partition("-")[0],
        package: package_of(new),
        package.upper(): package_of(new).upper(),
    }


def replace(text: str, words: dict[str, str]) -> str:
    """Replace every word, the longest first; a word ends where its capitals or hyphens end it."""
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(
        rf"(?<![A-Za-z0-9])(?:{pattern})(?![a-z0-9])", lambda match: words[match[0]], text
    )


def _replace_in(file: Path, words: dict[str, str]) -> None:
    content = file.read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return
    changed = replace(text, words).encode()
    if changed != content:
        file.write_bytes(changed)


if __name__ == "__main__":
    main()
