"""Makes a service from ``templates/service``: ``make new-service NAME=Fraud-Detector [PORT=…]``.

The folder is rendered elsewhere and renamed when it is complete, so that a refused or interrupted
run changes nothing. ``service_names`` says which names fit, and what follows from them.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final

from service_files import Service, ServiceFileError, services
from service_names import check_name, package_of
from working_tree import ROOT, fail, require_clean

_FIRST_PORT: Final = 8001
_PORTS: Final = range(1024, 65536)


def main() -> None:
    """Make the service that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="Folder of the service.")
    parser.add_argument(
        "--port", help="TCP port of the service. Default: the lowest free one from 8001."
    )
    options = parser.parse_args()
    name: str = options.name
    try:
        others = services(ROOT)
    except ServiceFileError as error:
        fail(f"{error}.", "Correct it first.")
    if wrong := check_name(name, ROOT, others):
        fail(wrong, "Choose another name: NAME=…")
    port = _port(options.port, others)
    require_clean()
    make(name, port)
    sys.stdout.write(
        f"Made {name}: import package {package_of(name)}, port {port}. Next:\n"
        f"  make demo-{name}     trains, seals, serves and queries it on generated data\n"
        f"  make check test-{name}\n"
        f'{name}/README.md lists what to replace: "Make it yours".\n'
    )


def make(name: str, port: int) -> None:
    """Render the template into a new folder of the root, completely or not at all.

    Args:
        name: Folder of the service.
        port: Its TCP port.
    """
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    # On the root's file system, so that it can be renamed.
    with tempfile.TemporaryDirectory(prefix="new-service-", dir=cache) as work:
        rendered = Path(work) / name
        answers = {
            "name": name,
            "package": package_of(name),
            "title": re.sub(r"(?<=[a-z0-9])(?=[A-Z])|-", " ", name),
            "port": port,
        }
        data = [f"--data={key}={value}" for key, value in answers.items()]
        template = ROOT / "templates/service"
        _run("template/bin/copier", "copy", "--quiet", *data, template, rendered)
        # The order of imports and where lines are broken depend on the name. git ignores the
        # folder, and ruff would, too.
        everything = ("--quiet", "--no-respect-gitignore", rendered)
        _run("check/bin/ruff", "check", "--select", "I", "--fix", *everything)
        _run("check/bin/ruff", "format", *everything)
        rendered.rename(ROOT / name)


def _port(given: str | None, others: Sequence[Service]) -> int:
    """The port that was given, or the lowest that no other service has."""
    taken = {service.port: service.name for service in others}
    if given is None:
        return next(port for port in count(_FIRST_PORT) if port not in taken)
    another = "Choose another one: PORT=…, or none for the lowest free one."
    port = int(given) if given.isascii() and given.isdecimal() else 0
    if port not in _PORTS:
        fail(f"{given!r} is not a port from {_PORTS.start} to {_PORTS.stop - 1}.", another)
    if port in taken:
        fail(f"{taken[port]} has the port {port}.", another)
    return port


def _run(program: str, *arguments: str | Path) -> None:
    """Run a program that make installs."""
    command = [ROOT / ".tools" / program, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        fail(
            f"The template cannot be rendered: {program}: {done.stdout}{done.stderr}",
            "Correct templates/service.",
        )


if __name__ == "__main__":
    main()
