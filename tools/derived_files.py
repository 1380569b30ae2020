"""Write the files that are derived from the services' folders, or check that they are current.

Run by ``make services`` and, with ``--check``, by ``make check``. Terraform cannot read manifests,
so that ``deploy/terraform/services.json`` has the image and the service accounts of each service.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from service_files import Service, ServiceFileError, services

ROOT = Path(__file__).resolve().parents[1]
TERRAFORM = ROOT / "deploy/terraform/services.json"


def main() -> None:
    """Write or check every derived file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="Write nothing; exit with 1 if a file is not current."
    )
    check: bool = parser.parse_args().check
    try:
        # A repository without a cloud has no infrastructure.
        derived = {TERRAFORM: infrastructure()} if TERRAFORM.parent.exists() else {}
    except (ServiceFileError, yaml.YAMLError) as error:
        sys.exit(f"{error}")
    stale = {path: text for path, text in derived.items() if _current(path) != text}
    for path, text in stale.items():
        name = path.relative_to(ROOT)
        if check:
            sys.stderr.writelines(
                difflib.unified_diff(
                    _current(path).splitlines(keepends=True),
                    text.splitlines(keepends=True),
                    f"{name} (now)",
                    f"{name} (as derived)",
                )
            )
        else:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}: written\n")
    if check and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"{names}: not what the services' folders say; run `make services`, and commit it")


def infrastructure() -> str:
    """The images and the service accounts of each service, one line for each, as JSON."""
    lines = [
        f"  {json.dumps(one.name)}: "
        + json.dumps(
            {
                "accounts": sorted(_accounts(one)),
                "images": [one.image_name, one.watch_image_name],
            }
        )
        for one in services(ROOT)
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _accounts(service: Service) -> Iterator[str]:
    for file in service.folder.glob("deploy/**/*.yaml"):
        for one in _documents(file):
            if one.get("kind") == "ServiceAccount":
                yield one["metadata"]["name"]


def _documents(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as stream:  # its name is in the parser's messages
        found = list(yaml.safe_load_all(stream))
    for one in found:
        if isinstance(one, dict):  # a JSON patch is a list
            yield one


def _current(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    main()
