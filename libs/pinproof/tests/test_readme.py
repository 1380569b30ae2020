"""The README says what the code does."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from pinproof.audit import ImpactKind
from pinproof.environment.verify import INSTALLERS, MismatchKind
from pinproof.proof.prove import CHECKS
from pinproof.proof.trial import TrialVerdict
from pinproof.python310 import tomllib
from pinproof.reporters import REPORTERS
from pinproof.repository import kinds
from pinproof.repository.closure_record import RECORD_FILE, Closure, RecordedPin
from pinproof.repository.marker_environments import PLATFORMS
from pinproof.repository.policy import (
    Exclusion,
    IgnoredAdvisory,
    PinException,
    Policy,
    Proof,
    Skip,
    load_policy,
)
from pinproof.rules import RULES, documentation, summary
from pydantic import BaseModel

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

LISTS: Mapping[str, type[BaseModel]] = {
    "exceptions": PinException,
    "exclusions": Exclusion,
    "ignores": IgnoredAdvisory,
    "skips": Skip,
}

Write = Callable[[Mapping[str, str]], Path]


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def test_every_rule_is_listed_and_linked_to_its_explanation() -> None:
    rows = [f"| [{rule.CODE}](#{rule.CODE.lower()}) | {summary(rule)} |" for rule in RULES]

    assert re.findall(r"^\| \[PIN\d+\].*$", README, flags=re.MULTILINE)[1:] == rows
    for rule in RULES:
        assert f"\n### {rule.CODE}\n\n{documentation(rule)}\n" in README


def test_every_kind_of_file_is_listed_with_what_is_read_of_it() -> None:
    assert kinds.table() in section("Kinds of files")


def test_every_key_of_the_policy_is_listed() -> None:
    keys = [f"policy.{name}" for name in Policy.model_fields if name not in (*LISTS, "proof")]
    for table, entry in LISTS.items():
        keys += [f"{table}.{name}" for name in entry.model_fields]
    keys += [f"proof.SERVICE.{name}" for name in Proof.model_fields]

    assert first_cells(section("pins.toml")) == keys


def test_the_example_of_a_policy_is_one_and_uses_every_key(write: Write) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", section("pins.toml"), flags=re.DOTALL)

    load_policy(write({"pins.toml": example}))

    document = tomllib.loads(example)
    assert document["policy"].keys() == Policy.model_fields.keys() - {*LISTS, "proof"}
    for table, entry in LISTS.items():
        assert document[table][0].keys() == entry.model_fields.keys()
    assert document["proof"]["Orders-Service"].keys() == Proof.model_fields.keys()


def test_every_field_of_the_closure_record_is_listed() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", section("Pinning the closure"), flags=re.MULTILINE)
    keys = [*Closure.model_fields, *(f"files.*.{name}" for name in RecordedPin.model_fields)]

    assert [key for row in rows for key in re.findall(r"`([^`]+)`", row)] == keys
    assert f"`{RECORD_FILE}`" in README


def test_every_format_platform_and_fault_is_named() -> None:
    assert first_cells(section("Formats of `check`"))[1:] == list(REPORTERS)
    assert first_cells(section("Verifying an environment")) == list(MismatchKind)
    assert all(f"`{name}`" in README for name in [*PLATFORMS, *INSTALLERS])


def test_every_verdict_is_defined_in_order() -> None:
    assert first_cells(section("Auditing"))[: len(ImpactKind)] == list(ImpactKind)


def test_the_examples_of_outdated_and_audit_are_outputs_of_the_functional_tests() -> None:
    expected = Path(__file__).parent / "fixtures" / "expected"
    outdated = (expected / "advised.outdated").read_text(encoding="utf-8")
    audited = (expected / "advised.text").read_text(encoding="utf-8")

    assert f"$ pinproof outdated\n{outdated}" in section("Newer releases")
    assert f"$ pinproof audit\n{audited}" in section("Auditing")


def test_the_example_of_a_check_is_its_output(
    violations: Callable[[Mapping[str, str]], list[str]],
) -> None:
    printed = violations({"requirements.txt": "a~=1.0.0\n\nnumpy>=1.26"})
    result = "1 violation in 1 file; 1 file read.\nRead: requirements files (1)."

    assert f"$ pinproof check\n{printed[0]}\n{result}\n" in README


def test_every_check_and_verdict_of_a_proof_is_documented() -> None:
    rows = re.findall(r"^\| ([A-Z][^|]*) \|", section("Proving pins"), flags=re.MULTILINE)

    assert rows[1:] == list(CHECKS.values())
    assert first_cells(section("Trying an upgrade")) == list(TrialVerdict)
