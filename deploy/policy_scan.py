"""Run the policy scanner checkov on a folder, and accept findings that a file gives a reason for.

Exits with 0 if every finding is accepted and every accepted check finds something, else with 1.
"""

import argparse
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any


def main() -> int:
    """Scan the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder to scan")
    parser.add_argument("--framework", required=True, help="kubernetes or terraform")
    parser.add_argument("--accepted", type=Path, required=True, help="TOML file of accepted checks")
    parser.add_argument("--checkov", type=Path, required=True, help="the program checkov")
    options = parser.parse_args()
    accepted = tomllib.loads(options.accepted.read_text(encoding="utf-8"))["accepted"]
    failed = failed_checks(options.checkov, options.framework, options.folder)
    lines = unexpected(failed, accepted, options.accepted.name)
    print("".join(f"{line}\n" for line in lines), end="")  # noqa: T201 - a command line
    return 1 if lines else 0


def failed_checks(checkov: Path, framework: str, folder: Path) -> list[dict[str, Any]]:
    """The findings of checkov.

    Raises:
        SystemExit: The scanner failed, checked nothing, or could not parse a file.
    """
    command = [str(checkov), "--directory", str(folder), "--framework", framework]
    done = subprocess.run(  # noqa: S603 - the scanner of tools/requirements-scan.txt
        [*command, "--skip-download", "--quiet", "--compact", "--output", "json"],
        env=os.environ | {"LOG_LEVEL": "ERROR"},
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
        sys.exit(f"The scanner checked nothing, or could not parse a file: {summary}")
    failed: list[dict[str, Any]] = report["results"]["failed_checks"]
    return failed


def unexpected(
    failed: list[dict[str, Any]], accepted: list[dict[str, str]], file: str
) -> list[str]:
    """Findings that are not accepted, and accepted checks without a finding or a reason."""
    reasons = {entry["check"]: entry.get("reason", "").strip() for entry in accepted}
    lines = {
        f"{one['file_path'].lstrip('/')}:{one['file_line_range'][0]}: {one['check_id']}"
        f" {one['check_name']} ({one['resource']})"
        for one in failed
        if one["check_id"] not in reasons
    }
    stale = reasons.keys() - {one["check_id"] for one in failed}
    lines |= {f"{file}: {check} is accepted but finds nothing: remove it" for check in stale}
    unexplained = (check for check, reason in reasons.items() if not reason)
    lines |= {f"{file}: {check} is accepted without a reason" for check in unexplained}
    return sorted(lines)


if __name__ == "__main__":
    sys.exit(main())
