"""Removes a service: ``make remove-service NAME=…``."""

import argparse
import sys

from service_files import ServiceFileError, services
from working_tree import ROOT, clear_folder, fail, git, mentions, require_clean


def main() -> None:
    """Remove the service that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="Folder of the service.")
    name: str = parser.parse_args().name
    try:
        found = {service.name: service for service in services(ROOT)}
    except ServiceFileError as error:
        fail(f"{error}.", "Correct it first.")
    if name not in found:
        fail(f"There is no service {name!r}.", f"Name one of {', '.join(found)}: NAME=…")
    if len(found) == 1:
        fail(f"{name} is the only service.", "Add another one first: make new-service NAME=…")
    require_clean()
    service = found[name]
    git("rm", "-r", "--quiet", "--", name)
    clear_folder(service.folder)
    sys.stdout.write(f"Removed {name}. git has its files: git restore --staged --worktree {name}\n")
    if service.folder.exists():
        left = ", ".join(sorted(path.name for path in service.folder.iterdir()))
        sys.stdout.write(f"{name} still has files that git does not know: {left}\n")
    for word in dict.fromkeys((service.package, service.image_name)):
        for file in mentions(word):
            sys.stdout.write(f"{file} mentions {word}\n")


if __name__ == "__main__":
    main()
