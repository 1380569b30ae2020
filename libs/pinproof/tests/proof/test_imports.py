"""What an environment's modules say when they are imported, and what of it is not a failure."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pinproof.proof.inside import imports

EXTRA = 'duck-manager; extra == "all"'


class Site:
    """A folder of installed distributions, and nothing else that an interpreter would see."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "site"
        self._report = folder / "report.json"

    def add(self, name: str, *requires: str, **modules: str) -> None:
        """Install a distribution: its requirements, and its modules with their code."""
        info = self.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
        (info / "METADATA").write_text(metadata)
        (info / "RECORD").write_text("".join(f"{module}.py,,\n" for module in modules))
        for module, code in modules.items():
            (self.folder / f"{module}.py").write_text(code)

    def imported(self, *first_party: str) -> dict[str, Any]:
        """Import all of it, as a proof does."""
        command = [sys.executable, "-S", str(imports.__file__), str(self._report), *first_party]
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        subprocess.run(command, env=environment, check=True, timeout=60)
        found: dict[str, Any] = json.loads(self._report.read_text())
        return found


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("missing", ["duck_manager", "duck_manager.deeper"])
def test_an_adapter_to_a_distribution_of_an_extra_is_not_a_failure(
    site: Site, missing: str
) -> None:
    site.add("duck", EXTRA, duck="", duck_adapter=f"import {missing}")
    assert site.imported() == {"imported": 1, "failures": [], "importing": "", "of": ""}


def failures(site: Site, *first_party: str) -> list[str]:
    return [one["module"] for one in site.imported(*first_party)["failures"]]


def test_what_is_installed_and_does_not_import_is_one(site: Site) -> None:
    code = {"duck_adapter": "import duck_manager.gone", "duck_tools": "import duck_broken"}
    site.add("duck", EXTRA, 'duck-broken; extra == "all"', duck="", **code)
    site.add("duck-manager", duck_manager="")
    site.add("duck-broken", duck_broken="import no_such_thing")
    assert failures(site) == ["duck_adapter", "duck_tools", "duck_broken"]


def test_a_module_of_the_distributions_name_needs_no_extra(site: Site) -> None:
    site.add("Duck.Lake", 'duck-manager; extra == "all"', duck_lake="import duck_manager")
    assert failures(site) == ["duck_lake"]


@pytest.mark.parametrize(
    "requires",
    [
        (),
        ("duck-manager>=2",),
        ("duck-manager; python_version > '3'",),
        (EXTRA, "duck-manager"),
        ("duck-manager-tools; extra == 'all'",),
    ],
)
def test_what_is_asked_for_without_an_extra_or_not_at_all_is_one(
    site: Site, requires: tuple[str, ...]
) -> None:
    site.add("duck", *requires, duck="", duck_adapter="import duck_manager")
    assert failures(site) == ["duck_adapter"]


def test_another_error_than_a_missing_module_is_one(site: Site) -> None:
    site.add("duck", EXTRA, duck="", duck_adapter="raise ImportError('no', name='duck_manager')")
    assert failures(site) == ["duck_adapter"]


def test_a_module_that_ends_the_process_is_named(site: Site, tmp_path: Path) -> None:
    site.add("duck", duck="import os; os._exit(3)")
    with pytest.raises(subprocess.CalledProcessError):
        site.imported()
    assert json.loads((tmp_path / "report.json").read_text())["importing"] == "duck"
