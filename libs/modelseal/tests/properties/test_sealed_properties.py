from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from modelseal.compatible_releases import compatible_releases
from modelseal.golden import GoldenSet, Tolerance, differences
from modelseal.manifest import Manifest, encode_manifest
from packaging.version import Version

segments = st.integers(min_value=0, max_value=50)
versions = st.lists(segments, min_size=1, max_size=5).map(
    lambda release: Version(".".join(map(str, release)))
)
finite = st.floats(allow_nan=False, allow_infinity=False)
values = finite | st.text() | st.lists(finite, max_size=4).map(tuple)


@given(versions)
def test_every_version_is_in_its_own_series(version: Version) -> None:
    assert compatible_releases(version).contains(version)


@given(versions, versions)
def test_a_series_never_reaches_another_minor_release_or_back(
    version: Version, other: Version
) -> None:
    if compatible_releases(version).contains(other):
        assert other >= version
        assert (other.major, other.minor) == (version.major, version.minor)


@given(versions, versions)
def test_two_versions_are_in_the_series_of_each_other_only_if_they_are_equal(
    one: Version, other: Version
) -> None:
    both = compatible_releases(one).contains(other) and compatible_releases(other).contains(one)

    assert both is (one == other)


@given(st.lists(values, min_size=1, max_size=5))
def test_a_golden_set_in_a_manifest_keeps_every_bit(
    outputs: list[float | str | tuple[float, ...]],
) -> None:
    golden = GoldenSet(
        inputs=tuple(range(len(outputs))),
        outputs={"answer": tuple(outputs)},
        tolerances={"answer": Tolerance()},
    )
    manifest = Manifest.unsealed(
        created=datetime(2026, 1, 1, tzinfo=UTC),
        git_commit=None,
        name="toy",
        version="1",
        python="3.11.7",
        platform="Linux",
        loader="toy",
        files={"model.pkl": {"sha256": "0" * 64, "size": 0}},
        environment={},
        golden=golden,
        data={},
        metrics={},
        parameters={},
    )

    read = Manifest.model_validate_json(encode_manifest(manifest))

    assert differences(golden, read.golden.outputs) == []
    assert differences(read.golden, golden.outputs) == []
