"""The range algebra of the rules, against `packaging` itself."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from modelseal.compatible_releases import compatible_releases
from packaging.requirements import Requirement
from packaging.specifiers import Specifier
from packaging.version import Version
from pinproof.check import check
from pinproof.rules.pin002 import stays_in_series

segments = st.integers(min_value=0, max_value=30) | st.sampled_from([0, 2026, 241126])
releases = st.lists(segments, min_size=2, max_size=5)
tails = st.sampled_from(["", "a1", "b2", "rc1", ".post1", ".dev3", "rc1.post2"])
epochs = st.sampled_from(["", "1!"])
versions = st.builds(
    lambda epoch, release, tail: epoch + ".".join(map(str, release)) + tail, epochs, releases, tails
)
operators = st.sampled_from(["~=", ">=", "==", "!=", "<=", "<", ">"])
names = st.sampled_from(["a", "B", "c-d", "c_d", "E.f", "g[x]"])
lines = st.builds(
    lambda name, specifiers: (
        name + ",".join(operator + version for operator, version in specifiers)
    ),
    names,
    st.lists(st.tuples(operators, versions), max_size=2),
)


def series(version: Version) -> tuple[int, ...]:
    """The segments that a patch release does not change, counted without the code under test."""
    padded = (*version.release, 0, 0, 0)
    fixed = 3 if padded[:2] == (0, 0) else 2
    return (version.epoch, *padded[:fixed])


@given(pin=versions, candidates=st.lists(versions, max_size=30))
def test_a_pin_that_stays_in_its_series_admits_nothing_beyond_it(
    pin: str, candidates: list[str]
) -> None:
    specifier = Specifier(f"~={pin}")
    admitted = [Version(v) for v in candidates if specifier.contains(v, prereleases=True)]

    if stays_in_series(specifier):
        assert {series(version) for version in admitted} <= {series(Version(pin))}


@given(pin=versions)
def test_a_pin_that_leaves_its_series_admits_a_version_beyond_it(pin: str) -> None:
    specifier = Specifier(f"~={pin}")
    version = Version(pin)
    *kept, last = (*version.release, 0, 0, 0)[: len(series(version)) - 1]
    beyond = f"{version.epoch}!{'.'.join(map(str, [*kept, last + 1]))}"

    assert stays_in_series(specifier) != specifier.contains(beyond, prereleases=True)


@given(version=versions)
def test_the_pin_that_is_suggested_stays_and_admits_the_version(version: str) -> None:
    (pin,) = compatible_releases(Version(version))

    assert stays_in_series(pin)
    assert pin.contains(version, prereleases=True)


@given(text=st.lists(lines, max_size=6).map("\n".join), candidates=st.lists(versions, max_size=20))
def test_a_file_that_passes_bounds_every_requirement_from_above(
    text: str, candidates: list[str]
) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "requirements.txt").write_text(text, encoding="utf-8")
        clean = not check(Path(folder), today=date(2026, 11, 22)).violations

    if clean:
        for requirement in map(Requirement, text.splitlines()):
            (pin,) = requirement.specifier
            base = Version(pin.version)
            bound = Version(f"{base.epoch}!{base.major}.{base.minor + 1}.dev0")
            admitted = requirement.specifier.filter([bound, *candidates], prereleases=True)
            assert all(Version(str(version)) < bound for version in admitted)


@given(version=versions, operator=operators, tail=st.sampled_from(["", ",!=0.0.1"]))
def test_a_single_line_passes_exactly_if_it_is_one_narrow_compatible_release(
    version: str, operator: str, tail: str
) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "requirements.txt").write_text(f"a{operator}{version}{tail}", encoding="utf-8")
        clean = not check(Path(folder), today=date(2026, 11, 22)).violations

    enough = len(Version(version).release) >= (4 if series(Version(version))[1:3] == (0, 0) else 3)
    assert clean == (operator == "~=" and not tail and enough)
