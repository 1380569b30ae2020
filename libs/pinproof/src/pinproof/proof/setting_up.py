"""Puts together what a proof of one service needs."""

from collections.abc import Callable
from pathlib import Path

from pinproof.closure.uv import find_uv
from pinproof.errors import PinproofError
from pinproof.proof.environments import EnvironmentCache
from pinproof.proof.interpreters import find_interpreters
from pinproof.proof.runner import Job, ProofRunner
from pinproof.proof.store import Store
from pinproof.repository.policy import POLICY_FILE, PROD, load_policy

__all__ = ["DEFAULT_CACHE", "ProofError", "interpreters_for", "set_up"]

DEFAULT_CACHE = Path(".cache", "pinproof")
GIB = 2**30


class ProofError(PinproofError):
    """A service cannot be proven as things stand."""


def set_up(
    root: Path,
    service: str,
    *,
    uv: Path | None,
    cache: Path | None,
    limit_gib: float,
    say: Callable[[str], None],
) -> ProofRunner:
    """Read the policy, find uv, and open the cache.

    Raises:
        ProofError: `pins.toml` does not say how to prove the service.
        PolicyError: `pins.toml` cannot be used.
        UvError: There is no uv.
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
    job = Job(root, service, policy, proof)
    needed = (f"{service}/{PROD}", *proof.first_party)
    missing = [path for path in needed if not (root / path).exists()]
    if missing:
        raise ProofError(f"There is no {', '.join(missing)}.", remedy=f"Correct {POLICY_FILE}.")
    folder = cache or root / DEFAULT_CACHE
    environments = EnvironmentCache(
        folder / "environments",
        find_uv(root, uv),
        limit_bytes=int(limit_gib * GIB),
        say=say,
    )
    return ProofRunner(job, environments, Store(folder), say)


def interpreters_for(runner: ProofRunner) -> dict[str, Path]:
    """The supported Pythons of this machine, by minor version.

    Raises:
        ProofError: There is none.
    """
    pythons = runner.job.policy.pythons
    found = find_interpreters(pythons)
    if not found:
        raise ProofError(
            f"None of the supported Pythons is on this machine: {', '.join(pythons)}.",
            remedy="Install one, on the path or by pyenv.",
        )
    return found
