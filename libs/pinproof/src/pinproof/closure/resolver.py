"""Resolves requirements with uv, for all environments of a policy at once."""

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
from pinproof.repository.marker_environments import PLATFORMS, matching_environments
from pinproof.repository.policy import Policy

Strategy = Literal["highest", "lowest-direct"]

_TIMEOUT_S = 600
_ANNOTATION = re.compile(r"\s+# via ")


@dataclass(frozen=True, slots=True)
class Resolved:
    """One version of a distribution.

    Attributes:
        name: The distribution in PEP 503 form.
        version: The version.
        environments: The environments of the policy that it is for, as indices.
        via: The distributions that require it.
    """

    name: str
    version: Version
    environments: frozenset[int]
    via: tuple[str, ...]


Resolution = tuple[Resolved, ...]


class Resolver:
    """Resolves for all Pythons and platforms of a policy in one run of uv."""

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
            requirements: The requirements.
            constraints: The constraints.
            preferences: Versions to prefer.
            strategy: The versions to choose otherwise.

        Raises:
            UnsatisfiableError: No set of versions satisfies all.
            UvError: uv fails otherwise.
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
        run_uv(
            self._uv, arguments, folder=project, timeout_s=_TIMEOUT_S, purpose="resolve the pins"
        )

    def _parse(self, text: str) -> Resolution:
        resolved = []
        for line in text.splitlines():
            requirement, *via = _ANNOTATION.split(line, maxsplit=1)
            if not requirement.strip() or requirement.startswith(("#", " ")):
                continue
            parsed = Requirement(requirement)
            (pin,) = parsed.specifier
            parents = [
                parent for parent in "".join(via).split(", ") if parent and " " not in parent
            ]
            resolved.append(
                Resolved(
                    name=canonicalize_name(parsed.name),
                    version=Version(pin.version),
                    environments=matching_environments(
                        parsed.marker, self._policy.pythons, self._policy.platforms
                    ),
                    via=tuple(sorted({canonicalize_name(parent) for parent in parents})),
                )
            )
        return tuple(resolved)


def _project(policy: Policy) -> str:
    """The configuration of uv for the environments of a policy, with wheels for each of them."""
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
