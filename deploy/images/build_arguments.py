"""Prints the arguments of the Dockerfile that depend on the service, one option a line.

Run by ``make build-NAME``. Has no dependencies.
"""

import sys
import tomllib
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

from service_files import ServiceFileError, read_service

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Print the arguments of the image that the command line names.

    It is the folder of a service, for the image of its reports followed by ``-watch``.
    """
    watch = sys.argv[1].endswith("-watch")
    try:
        name = sys.argv[1].removesuffix("-watch")
        service = read_service(ROOT / name)
    except ServiceFileError as error:
        sys.exit(f"{error}")
    project = tomllib.loads((service.folder / "pyproject.toml").read_text("utf-8"))["project"]
    arguments = {
        "SERVICE": service.name,
        "PACKAGE": service.package,
        "WATCH": "yes" if watch else "",
        "TITLE": service.watch_image_name if watch else service.image_name,
        "PORT": service.port,
        "DEBIAN_PACKAGES": " ".join(service.image.get("packages", [])),
        "DESCRIPTION": project["description"],
        "VERSION": project["version"],
    }
    for name, value in arguments.items():
        sys.stdout.write(f"--build-arg={name}={value}\n")


if __name__ == "__main__":
    main()
