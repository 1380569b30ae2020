"""A policy scanner over the infrastructure, less what we accept with a reason.

Exits with 0 where every finding is accepted and every acceptance finds something, else with 1.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Scan with the program that the command line names."""
    program, *elsewhere = sys.argv[1:]
    folder = Path(elsewhere[0]) if elsewhere else HERE
    accepted = tomllib.loads((folder / "scan-accepted.toml").read_text("utf-8"))["accepted"]
    told = unexpected(scan(program, folder), accepted)
    for line in told:
        print(line)  # noqa: T201 - what it is for
    return 1 if told else 0


def unexpected(failed: list[dict[str, Any]], accepted: list[dict[str, str]]) -> list[str]:
    """What is found and not accepted, accepted and not found, or accepted without a reason."""
    reasons = {entry["check"]: entry.get("reason", "").strip() for entry in accepted}
    found = {one["check_id"] for one in failed}
    lines = [
        f"{one['file_path'].lstrip('/')}:{one['file_line_range'][0]}: {one['check_id']}"
        f" {one['check_name']} ({one['resource']})"
        for one in failed
        if one["check_id"] not in reasons
    ]
    lines += [
        f"scan-accepted.toml: {check} is accepted and not found any more: remove it"
        for check in reasons.keys() - found
    ]
    lines += [
        f"scan-accepted.toml: {check} is accepted without a reason"
        for check, reason in reasons.items()
        if not reason
    ]
    return sorted(set(lines))


def scan(program: str, folder: Path) -> list[dict[str, Any]]:
    """What checkov finds."""
    command = [program, "--directory", str(folder), "--framework", "terraform"]
    done = subprocess.run(  # noqa: S603 - the scanner of tools/requirements-scan.txt
        [*command, "--skip-download", "--quiet", "--compact", "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(done.stdout)
        summary = report["summary"]
    except (ValueError, TypeError, KeyError):
        sys.exit(f"The scanner failed: {done.stderr.strip() or done.stdout[:500]}")
    if not summary["passed"] or summary["parsing_errors"]:
        sys.exit(f"The scanner looked at nothing, or not at everything: {summary}")
    failed: list[dict[str, Any]] = report["results"]["failed_checks"]
    return failed


if __name__ == "__main__":
    sys.exit(main())
