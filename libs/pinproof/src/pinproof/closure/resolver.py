"""Asks uv what pins lead to, for all environments of a policy at once."""

import re
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pinproof.closure.uv import run_uv
from pinproof.errors import PinproofError
from pinproof.repository.policy import Policy
from pinproof.repository.targets import PLATFORMS, environments_of

__all__ = ["Resolution", "Resolved", "Resolver", "ResolverError", "UnsatisfiableError"]

Strategy = Literal["highest", "lowest-direct"]

_PATIENCE_S = 600
_ANNOTATION = re.compile(r"\s+# via ")


class ResolverError(PinproofError):
    """uv failed for a reason that has nothing to do with the pins."""


class UnsatisfiableError(PinproofError):
    """No set of versions satisfies the pins."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """One distribution in one version.

    Attributes:
        name: The distribution in PEP 503 form.
        version: The version.
        environments: The environments of the policy that it is for, by their places.
        via: The distributions that ask for it.
    """

    name: str
    version: Version
    environments: frozenset[int]
    via: tuple[str, ...]


Resolution = tuple[Resolved, ...]


class Resolver:
    """Resolves for the Pythons and platforms of a policy, with one run of uv for all of them."""

    def __init__(self, uv: Path, policy: Policy, excluded: Collection[str] = ()) -> None:
        self._uv = uv
        self._policy = policy
        self._excluded = sorted(excluded)

    def resolve(
        self,
        requirements: Sequence[str],
        constraints: Sequence[str] = (),
        *,
        preferences: Mapping[str, Version] | None = None,
        strategy: Strategy = "highest",
    ) -> Resolution:
        """Resolve requirements.

        Args:
            requirements: What is asked for.
            constraints: What limits whatever else is needed.
            preferences: Versions to take where nothing speaks against them.
            strategy: Which versions to take otherwise.

        Raises:
            UnsatisfiableError: No set of versions satisfies all. The message holds the reason.
            ResolverError: uv failed otherwise.
            UvError: uv cannot be started, or does not finish.
        """
        with tempfile.TemporaryDirectory(prefix="pinproof-sync-") as folder:
            project = Path(folder)
            files = {
                "pyproject.toml": [_project(self._policy)],
                "pins.in": requirements,
                **({"constraints.in": constraints} if constraints else {}),
                **({"excludes.in": self._excluded} if self._excluded else {}),
                "resolved.txt": [f"{n}=={v}" for n, v in sorted((preferences or {}).items())],
            }
            for name, lines in files.items():
                (project / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
            self._run(project, strategy)
            return self._parse((project / "resolved.txt").read_text("utf-8"))

    def _run(self, project: Path, strategy: Strategy) -> None:
        oldest = min(self._policy.pythons, key=Version)
        arguments = [
            *("pip", "compile", "--universal", "--python-version", oldest),
            *("--python", sys.executable, "--no-python-downloads", "--resolution", strategy),
            str(project / "pins.in"),
            *("--output-file", str(project / "resolved.txt"), "--no-header"),
            *("--annotation-style", "line"),
        ]
        for option in ("constraints", "excludes"):
            if (project / f"{option}.in").exists():
                arguments += [f"--{option}", str(project / f"{option}.in")]
        run = run_uv(self._uv, arguments, folder=project, patience_s=_PATIENCE_S)
        if run.returncode:
            raise _failure(run.stderr)

    def _parse(self, text: str) -> Resolution:
        resolved = []
        for line in text.splitlines():
            requirement, *via = _ANNOTATION.split(line, maxsplit=1)
            if not requirement.strip() or requirement.startswith(("#", " ")):
                continue
            parsed = Requirement(requirement)
            (pin,) = parsed.specifier
            askers = [asker for asker in "".join(via).split(", ") if asker and " " not in asker]
            resolved.append(
                Resolved(
                    name=canonicalize_name(parsed.name),
                    version=Version(pin.version),
                    environments=environments_of(
                        parsed.marker, self._policy.pythons, self._policy.platforms
                    ),
                    via=tuple(sorted({canonicalize_name(asker) for asker in askers})),
                )
            )
        return tuple(resolved)


def _project(policy: Policy) -> str:
    """The environments of a policy as uv wants to be told: only them, and wheels for each."""
    pythons = sorted(policy.pythons, key=Version)
    newest = Version(pythons[-1])
    environments = [
        " and ".join(
            [
                f"sys_platform == '{PLATFORMS[platform]['sys_platform']}'",
                f"platform_machine == '{PLATFORMS[platform]['platform_machine']}'",
                "implementation_name == 'cpython'",
                f"python_version < '{newest.major}.{newest.minor + 1}'",
            ]
        )
        for platform in policy.platforms
    ]
    return f"[tool.uv]\nenvironments = {environments}\nrequired-environments = {environments}"


def _failure(stderr: str) -> PinproofError:
    reason = "\n".join(line for line in stderr.splitlines() if not line.startswith("warning:"))
    if "No solution found" in reason:
        return UnsatisfiableError(
            f"These pins cannot be installed together.\n{reason}\n",
            remedy="Change one of the pins that it names.",
        )
    return ResolverError(
        f"uv could not resolve the pins.\n{reason}\n",
        remedy="Is the index reachable, and configured by UV_DEFAULT_INDEX if it is your own?",
    )
