"""The service that a proof is about, and the interpreters to prove it with."""

import re
from dataclasses import dataclass
from pathlib import Path

from pinproof.errors import PinproofError
from pinproof.proof.environments import Recipe
from pinproof.proof.interpreters import find_interpreters
from pinproof.repository.policy import POLICY_FILE, PROD, Policy, Proof, load_policy

_PLACEHOLDER = re.compile(r"(?<!\{)\{([A-Za-z_]+)\}(?!\})")
_PLACEHOLDERS = ("data", "model", "work")


class ProofError(PinproofError):
    """A service cannot be proven."""


@dataclass(frozen=True, slots=True)
class Job:
    """A service to prove.

    Attributes:
        root: The root of the repository.
        service: The service's folder below the root.
        policy: The repository's `pins.toml`.
        proof: The part of it about this service.
    """

    root: Path
    service: str
    policy: Policy
    proof: Proof

    @property
    def requirements(self) -> Path:
        """The production requirements."""
        return self.root / self.service / PROD

    def recipe(self, python: Path, requirements: Path | None = None) -> Recipe:
        """The environment of the service, by default with today's requirements."""
        return Recipe(
            requirements=(requirements or self.requirements,),
            python=python,
            excluded=tuple(sorted(self.policy.excluded_from(self.service))),
            first_party=tuple(self.root / folder for folder in self.proof.first_party),
        )

    def interpreters(self) -> dict[str, Path]:
        """The supported Pythons of this machine, by minor version.

        Raises:
            ProofError: There is none.
        """
        pythons = self.policy.pythons
        found = find_interpreters(pythons)
        if not found:
            raise ProofError(
                f"This machine has none of the supported Pythons: {', '.join(pythons)}.",
                remedy="Install one, on PATH or with pyenv.",
            )
        return found


def load_job(root: Path, service: str) -> Job:
    """Read what `pins.toml` says about a service.

    Raises:
        ProofError: `pins.toml` does not say how to prove the service, a file is missing, or a
            command has an unknown placeholder.
        PolicyError: `pins.toml` cannot be used.
    """
    policy = load_policy(root)
    service = service.rstrip("/")
    proof = policy.proof.get(service)
    if proof is None:
        known = ", ".join(sorted(policy.proof)) or "none"
        raise ProofError(
            f"{POLICY_FILE} does not say how to prove {service!r} (it does for: {known}).",
            remedy=f'Add a table [proof."{service}"].',
        )
    needed = (f"{service}/{PROD}", *proof.first_party)
    missing = [path for path in needed if not (root / path).exists()]
    if missing:
        raise ProofError(f"There is no {', '.join(missing)}.", remedy=f"Correct {POLICY_FILE}.")
    _refuse_unknown_placeholders(service, proof)
    return Job(root, service, policy, proof)


def _refuse_unknown_placeholders(service: str, proof: Proof) -> None:
    unknown = {
        match[0]
        for command in (*proof.prepare, *proof.train)
        for argument in command
        for match in _PLACEHOLDER.finditer(argument)
        if match[1] not in _PLACEHOLDERS
    }
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
        raise ProofError(
            f"A command of the proof of {service} has {', '.join(sorted(unknown))}, which is not a "
            "placeholder.",
            remedy=f"Write one of {known} in {POLICY_FILE}.",
        )
