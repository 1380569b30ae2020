"""A marker is written for exactly the environments that it is made from."""

from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from pinproof.closure.markers import marker_for
from pinproof.repository.marker_environments import PATCHES, PLATFORMS, matching_environments

pythons = st.lists(st.sampled_from(["3.9", "3.10", "3.11", "3.13"]), min_size=1, unique=True)
platforms = st.lists(st.sampled_from(list(PLATFORMS)), min_size=1, unique=True)


@given(pythons=pythons.map(tuple), platforms=platforms.map(tuple), data=st.data())
def test_a_marker_holds_in_its_environments_and_in_no_other(
    pythons: tuple[str, ...], platforms: tuple[str, ...], data: st.DataObject
) -> None:
    releases = len(pythons) * len(PATCHES)
    blocks = st.tuples(
        st.integers(0, releases - 1), st.integers(1, releases), st.sets(st.sampled_from(platforms))
    )
    places = {
        row * len(platforms) + platforms.index(platform)
        for start, length, some in data.draw(st.lists(blocks, min_size=1, max_size=3))
        for row in range(start, min(start + length, releases))
        for platform in some
    }
    if not places:
        return

    marker = marker_for(places, pythons, platforms)

    parsed = Marker(marker) if marker else None
    assert matching_environments(parsed, pythons, platforms) == places
