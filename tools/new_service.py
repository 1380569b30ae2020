"""Make a new service from ``templates/service``: a folder that passes every check at once.

Run by ``make new-service NAME=Fraud-Detector [PORT=8004]``. The folder is rendered elsewhere and
renamed when it is complete, so that a failed or interrupted run changes nothing.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import copier
from service_files import ServiceFileError, services

ROOT: Final = Path(__file__).resolve().parents[1]
TEMPLATE: Final = ROOT / "templates" / "service"

_WORD: Final = r"[A-Z][A-Za-z0-9]*"
_NAME: Final = re.compile(rf"{_WORD}(-{_WORD})+", re.ASCII)
# A name in a cluster has at most 52 characters, of which `-retraining` needs eleven.
_LONGEST: Final = 40
_FIRST_PORT: Final = 8001
_PORTS: Final = range(1024, 65536)


class NewServiceError(Exception):
    """The service cannot be made. The message says why and what to do."""


def main() -> None:
    """Make the service that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", help="Folder of the service, such as Fraud-Detector.")
    parser.add_argument("--port", help="TCP port of the service. Default: the next free one.")
    arguments = parser.parse_args()
    try:
        name = arguments.name
        package = package_of(name)
        port = find_port(arguments.port)
        check_clean()
        make(name, package, port)
    except (NewServiceError, ServiceFileError) as error:
        sys.exit(f"make new-service: {error}")
    print(  # noqa: T201 - its output
        f"Made {name}: import package {package}, port {port}.\n"
        f"Next:\n"
        f"  make demo-{name}     train, seal, serve and query it on generated data\n"
        f"  make check test-{name}\n"
        f"  git add -A && git commit\n"
        f'{name}/README.md, "Make it yours", lists what to replace.'
    )


def package_of(name: str) -> str:
    """The import package of a service: the words of its name in lower case, without dashes.

    Raises:
        NewServiceError: The name has another form, or the name or the package is taken.
    """
    if not _NAME.fullmatch(name):
        raise NewServiceError(
            f"NAME={name!r} is not a name of a service. Write two words or more, each beginning "
            "with a capital letter, of letters and digits, joined by dashes: NAME=Fraud-Detector"
        )
    package = name.replace("-", "").lower()
    if len(package) > _LONGEST:
        raise NewServiceError(
            f"NAME={name} has {len(package)} letters and digits; at most {_LONGEST} fit into the "
            "names of a cluster. Choose a shorter one."
        )
    # File systems that ignore case take both for one.
    taken = [path.name for path in ROOT.iterdir() if path.name.lower() == name.lower()]
    if taken:
        raise NewServiceError(f"{taken[0]} exists already. Choose another name.")
    owner = _owner(package)
    if owner:
        raise NewServiceError(
            f"NAME={name} gives the import package {package}, which is {owner}. Choose another "
            "name."
        )
    return package


def find_port(given: str | None) -> int:
    """The port that was given, or the one after the highest port of the other services.

    Raises:
        NewServiceError: It is not a port, or another service has it.
    """
    taken = {service.port: service.name for service in services(ROOT)}
    if given is None:
        return max(taken, default=_FIRST_PORT - 1) + 1
    if not given.isdecimal() or int(given) not in _PORTS:
        raise NewServiceError(
            f"PORT={given} is not a port from {_PORTS.start} to {_PORTS.stop - 1}."
        )
    if int(given) in taken:
        raise NewServiceError(
            f"PORT={given} is the port of {taken[int(given)]}. Choose another one, or leave PORT "
            "out."
        )
    return int(given)


def check_clean() -> None:
    """Check that nothing is uncommitted, so that the change can be seen alone and undone.

    Raises:
        NewServiceError: Something is; the message lists it.
    """
    status = _git("status", "--porcelain")
    if status:
        raise NewServiceError(
            f"the working tree has changes that are not committed:\n{status}Commit or stash them "
            "first, so that `git status` shows the new service alone."
        )


def make(name: str, package: str, port: int) -> None:
    """Render the template into a new folder of the root, completely or not at all.

    Args:
        name: Folder of the service.
        package: Its import package.
        port: Its TCP port.

    Raises:
        NewServiceError: The linter refuses what was rendered.
    """
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-service-", dir=cache) as work:
        rendered = Path(work) / name
        title = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|-", " ", name)
        answers = {"name": name, "package": package, "title": title, "port": port}
        copier.run_copy(str(TEMPLATE), rendered, data=answers, defaults=True, quiet=True)
        # Where imports are sorted to and lines are broken depends on the name.
        _ruff("check", "--select", "I", "--fix", rendered)
        _ruff("format", rendered)
        rendered.rename(ROOT / name)


def _owner(package: str) -> str | None:
    """What already has the name of a module, as a phrase; None if nothing has."""
    if package in sys.stdlib_module_names:
        return "a module of Python's standard library"
    for path in (*ROOT.glob("*/src/*/__init__.py"), *ROOT.glob("libs/*/src/*/__init__.py")):
        if path.parent.name == package:
            return f"that of {path.parents[2].relative_to(ROOT)}"
    for path in ROOT.glob(f"**/.venv/lib/python3*/site-packages/{package}*"):
        if path.name.partition(".")[0] == package:
            return f"installed in {path.relative_to(ROOT)}"
    for line in (TEMPLATE / "template/requirements-prod.txt").read_text("utf-8").splitlines():
        distribution = line.partition("~=")[0]
        if distribution.replace("-", "") == package:
            return f"too close to {distribution}, which the service installs"
    return None


def _git(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        [shutil.which("git") or "git", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NewServiceError(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def _ruff(*arguments: str | Path) -> None:
    # The folder is in one that git ignores.
    command = [ROOT / ".tools/check/bin/ruff", *arguments, "--quiet", "--no-respect-gitignore"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise NewServiceError(f"ruff refused the rendered template:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
