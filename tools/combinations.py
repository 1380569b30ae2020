"""Other forms of this repository, each in a clone: a service alone, new or renamed, or owned.

``make test-combination`` runs the checks, the tests and the demonstrations of one whole;
``make matrix`` lists them for the nightly workflow. tools/tests has a quick form.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from service_files import services
from service_names import unused_name
from working_tree import ROOT

# begin cloud: template
OWNED: Final = (
    "ORGANIZATION=Acme Ltd.",
    "REPOSITORY=https://github.com/acme/predictions",
    "DOMAIN=ml.acme.test",
    "CONTACT=security@acme.test",
    "TEAM=@acme/predictions",
    "CLOUDS=aws",
    "LICENCE=proprietary",
)
# end cloud


def combinations(root: Path = ROOT) -> list[str]:
    """The names of the combinations."""
    names = [service.name for service in services(root)]
    alone = [f"alone-{name}" for name in names] if len(names) > 1 else []
    return [
        *alone,
        "new",
        f"renamed-{names[0]}",
        "owned",  # only cloud: template
    ]


def steps(combination: str, root: Path = ROOT) -> list[list[str]]:
    """The make targets that lead to a combination, each with its variables."""
    kind, _, name = combination.partition("-")
    if kind == "alone":
        others = (service.name for service in services(root) if service.name != name)
        return [["remove-service", f"NAME={other}"] for other in others]
    if kind == "new":
        return [["new-service", f"NAME={unused_name(services(root))}"]]
    # begin cloud: template
    if kind == "owned":
        return [["own", *OWNED]]
    # end cloud
    return [["rename-service", f"FROM={name}", f"TO={unused_name(services(root))}"]]


def targets(combination: str, root: Path = ROOT) -> list[str]:
    """The make targets that a combination must pass."""
    kind, _, name = combination.partition("-")
    # begin cloud: template
    if kind == "owned":
        return ["check", "test-all"]
    # end cloud
    changed = name if kind == "alone" else unused_name(services(root))
    return ["check", f"test-{changed}", f"demo-{changed}", "test-deploy", "test-tools"]


def main() -> None:
    """Clone this repository's last commit, make the combination, and run its targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("combination", choices=combinations())
    combination: str = parser.parse_args().combination
    with tempfile.TemporaryDirectory(prefix="combination-") as folder:
        clone = Path(folder) / "repository"
        _run(["git", "clone", "--quiet", str(ROOT), str(clone)], ROOT)
        for step in steps(combination):
            _run(["make", "--no-print-directory", *step], clone)
            _run(["git", "add", "--all"], clone)
            identity = ["-c", "user.name=Combination", "-c", "user.email=none@example.org"]
            _run(["git", *identity, "commit", "--quiet", "--message", " ".join(step)], clone)
        for target in targets(combination):
            _run(["make", "--no-print-directory", target], clone)


def _run(command: list[str], folder: Path) -> None:
    sys.stdout.write(f"{' '.join(command)}\n")
    sys.stdout.flush()
    done = subprocess.run(command, cwd=folder, check=False)  # noqa: S603 - make and git
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}")


if __name__ == "__main__":
    main()
