"""`make services` and `make check-services`, on services that are made up."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workflows.reading import ROOT

ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {}\n"
SERVICE = """\
package = "{package}"
port = {port}
answers = "some"
[[demo.requests]]
title = "One"
method = "GET"
path = "/"
show = []
"""
EXPECTED = """\
{
  "Orders-Service": {"accounts": ["orders", "orders-nightly"], "images": IMAGES},
  "Trips": {"accounts": ["trips"], "images": ["trips", "trips-watch"]}
}
""".replace("IMAGES", '["orders-service", "orders-service-watch"]')


def lay(root: Path, name: str, package: str, port: int, *accounts: str) -> None:
    (root / name).mkdir()
    for account in accounts:
        folder = root / name / "deploy/base" / account
        folder.mkdir(parents=True)
        (folder / "accounts.yaml").write_text(ACCOUNT.format(account), encoding="utf-8")
    text = SERVICE.format(package=package, port=port)
    (root / name / "service.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    for name in ("derived_files.py", "service_files.py"):
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools")
    (tmp_path / "deploy/terraform").mkdir(parents=True)
    lay(tmp_path, "Trips", "trips", 9002, "trips")
    lay(tmp_path, "Orders-Service", "orders", 9001, "orders-nightly", "orders")
    # A patch is a list, and an object of another kind is no account.
    patch = tmp_path / "Trips/deploy/overlays"
    patch.mkdir()
    (patch / "patch.yaml").write_text("- op: remove\n  path: /spec\n", encoding="utf-8")
    (patch / "other.yaml").write_text(ACCOUNT.format("x").replace("ServiceAcc", "Acc"), "utf-8")
    return tmp_path


def run(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, root / "tools/derived_files.py", *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_service_is_one_line(root: Path) -> None:
    done = run(root)

    assert (done.returncode, done.stdout) == (0, "deploy/terraform/services.json: written\n")
    assert (root / "deploy/terraform/services.json").read_text(encoding="utf-8") == EXPECTED
    assert run(root, "--check").returncode == 0
    assert run(root).stdout == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('  "Trips": {"accounts": ["trips"], "images": ["trips", "trips-watch"]}\n', ""),
        ('"orders-nightly"', '"orders-daily"'),
    ],
)
def test_a_line_that_is_deleted_or_changed_is_found_with_the_remedy(
    root: Path, old: str, new: str
) -> None:
    run(root)
    file = root / "deploy/terraform/services.json"
    assert old in EXPECTED
    file.write_text(EXPECTED.replace(old, new), encoding="utf-8")

    done = run(root, "--check")

    assert done.returncode == 1
    assert done.stderr.endswith(
        "deploy/terraform/services.json: not what the services' folders say;"
        " run `make services`, and commit it\n"
    )
    assert (
        f"+{next(line for line in EXPECTED.splitlines() if old.strip() in line)}\n" in done.stderr
    )
    assert file.read_text(encoding="utf-8") == EXPECTED.replace(old, new)
    run(root)
    assert file.read_text(encoding="utf-8") == EXPECTED


def test_a_service_that_is_removed_or_added_is_found(root: Path) -> None:
    run(root)
    shutil.rmtree(root / "Trips")
    assert run(root, "--check").returncode == 1
    run(root)
    file = root / "deploy/terraform/services.json"
    assert list(json.loads(file.read_text(encoding="utf-8"))) == ["Orders-Service"]

    lay(root, "Reviews", "reviews", 9003)
    assert run(root, "--check").returncode == 1


def test_a_wrong_service_file_or_manifest_is_named_and_nothing_is_written(root: Path) -> None:
    manifest = root / "Trips/deploy/base/trips/accounts.yaml"
    manifest.write_text("kind: [\n", encoding="utf-8")
    done = run(root)
    assert done.returncode == 1
    assert str(manifest) in done.stderr
    assert "Traceback" not in done.stderr

    (root / "Trips/service.toml").write_text("package = 1\n", encoding="utf-8")
    done = run(root)
    assert done.returncode == 1
    assert str(root / "Trips/service.toml") in done.stderr
    assert not (root / "deploy/terraform/services.json").exists()


def test_make_check_compares_the_derived_files() -> None:
    dry = subprocess.run(
        ["make", "--dry-run", "check"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert "tools/derived_files.py --check" in dry
