"""What sync promises, over random package indexes and a real uv."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelseal.compatible_releases import compatible_releases
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from pinproof.check import check
from pinproof.closure.pinfile import PinFile
from pinproof.closure.sync import sync
from pinproof.closure.uv import UnsatisfiableError, UvOfflineError
from wheel_folder import UV, Wheels

NAMES = ["p0", "p1", "p2", "p3"]
VERSIONS = ["1.0.0", "1.0.4", "1.1", "2.0.0", "0.0.3", "2026.6"]
MARKERS = ["", "", "; sys_platform == 'darwin'", "; python_version >= '3.12'"]
POLICY = """
[policy]
pythons = ["3.11", "3.12"]
platforms = ["linux-x86_64", "macos-arm64"]
services = ["service"]
"""


@dataclass
class Index:
    """What each version of each package needs; a package needs only later ones."""

    needs: Mapping[tuple[str, str], list[str]]
    later: list[tuple[str, str]]

    def fill(self, wheels: Wheels, *, later: bool) -> None:
        for key, needs in self.needs.items():
            if (key in self.later) == later:
                wheels.add(*key, *needs)


@st.composite
def indexes(draw: st.DrawFn) -> Index:
    needs = {}
    for place, name in enumerate(NAMES):
        for version in draw(st.lists(st.sampled_from(VERSIONS), min_size=1, unique=True)):
            needs[name, version] = [
                needed + draw(st.sampled_from(["", ">=1.0", "<2", "==1.0.4"])) + marker
                for needed in NAMES[place + 1 :]
                for marker in [draw(st.sampled_from(MARKERS))]
                if draw(st.booleans())
            ]
    return Index(needs, draw(st.lists(st.sampled_from(sorted(needs)), unique=True)))


@given(index=indexes(), data=st.data())
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_sync_never_loosens_a_pin_and_what_passes_is_bounded(
    index: Index, data: st.DataObject
) -> None:
    tops = [version for name, version in index.needs if name == "p0"]
    first, second = (data.draw(st.sampled_from(tops)) for _ in range(2))
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        wheels = Wheels(Path(folder))
        for name, text in wheels.environment.items():
            patch.setenv(name, text)
        root = Path(folder)
        (root / "service").mkdir()
        (root / "pins.toml").write_text(POLICY)
        (root / "service/requirements-dev.txt").write_text("-r requirements-prod.txt\n")
        production = root / "service/requirements-prod.txt"
        production.write_text(direct(first))
        index.fill(wheels, later=False)
        before: list[Requirement] = []
        for added, top in ((False, first), (True, first), (True, second)):
            if added and top == first:
                index.fill(wheels, later=True)
            tail = production.read_text()[len(direct(first)) :]
            production.write_text(direct(top) + tail)
            try:
                sync(root, UV)
            # Of a distribution without any wheel, uv says that the network is disabled.
            except (UnsatisfiableError, UvOfflineError):
                assert production.read_text() == direct(top) + tail
                continue
            after = transitive(production)
            assert_not_looser(before, after)
            assert check(root).violations == ()
            assert_bounded(production)
            assert sync(root, UV) == []
            before = after


def direct(version: str) -> str:
    pin = f"p0{compatible_releases(Version(version))}"
    # Of one length, whatever the version is.
    return f"{pin:<24}\n"


def transitive(path: Path) -> list[Requirement]:
    file = PinFile.parse(path.read_text())
    return [Requirement(line) for line in file.tail.splitlines()]


def assert_not_looser(before: list[Requirement], after: list[Requirement]) -> None:
    for new in after:
        for old in before:
            if old.name == new.name and old.specifier != new.specifier:
                ranges = (SpecifierSet(str(pin.specifier), prereleases=True) for pin in (old, new))
                assert not next(ranges).is_subset(next(ranges))


def assert_bounded(path: Path) -> None:
    """What an installer takes from the file has a line there, on each platform and Python."""
    lines = path.read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    environments = [("3.11", "x86_64-manylinux_2_28", "linux"), ("3.12", "macos", "darwin")]
    for python, platform, system in environments:
        options = ["--python-version", python, "--python-platform", platform, "--no-header"]
        run = subprocess.run(
            [UV, "pip", "compile", "--quiet", "--no-annotate", *options, str(path)],
            capture_output=True,
            check=True,
            text=True,
        )
        environment = {"python_version": python, "sys_platform": system}
        for found in map(Requirement, run.stdout.splitlines()):
            (version,) = found.specifier
            markers = [
                pin
                for pin in pins
                if pin.name == found.name
                and (pin.marker is None or pin.marker.evaluate(environment))
            ]
            assert [pin for pin in markers if version.version in pin.specifier]
