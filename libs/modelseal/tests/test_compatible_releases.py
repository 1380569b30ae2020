import pytest
from modelseal.compatible_releases import compatible_releases
from packaging.version import Version

# version, its range, versions in the range, versions outside the range
SERIES = [
    ("1.26.4", "~=1.26.4", ["1.26.4", "1.26.99", "1.26.4.post1"], ["1.26.3", "1.27.0", "2.0.0"]),
    ("1.26.4", "~=1.26.4", ["1.26.5rc1"], ["1.27.0rc1"]),
    ("2026.6", "~=2026.6.0", ["2026.6", "2026.6.1"], ["2026.7", "2026.5"]),
    ("3", "~=3.0.0", ["3", "3.0.9"], ["3.1"]),
    ("0.0.9", "~=0.0.9.0", ["0.0.9", "0.0.9.post1"], ["0.0.10", "0.0.34"]),
    ("0.2.9.1", "~=0.2.9.1", ["0.2.9.5"], ["0.2.9.0", "0.2.10"]),
    ("2.9.0.post0", "~=2.9.0.post0", ["2.9.0.post0", "2.9.1"], ["2.9.0", "2.10.0"]),
    ("2.13.0+cpu", "~=2.13.0", ["2.13.0", "2.13.0+cpu", "2.13.1+cu130"], ["2.14.0+cpu"]),
    ("1.0rc1", "~=1.0.0rc1", ["1.0rc1", "1.0"], ["1.0b1", "1.1"]),
    ("1!2.3.4", "~=1!2.3.4", ["1!2.3.4"], ["2.3.4", "1!2.4.0"]),
]


@pytest.mark.parametrize(("version", "expected", "admitted", "refused"), SERIES)
def test_a_series_contains_only_its_patches(
    version: str, expected: str, admitted: list[str], refused: list[str]
) -> None:
    series = compatible_releases(Version(version))

    assert str(series) == expected
    assert [v for v in admitted if not series.contains(v)] == []
    assert [v for v in refused if series.contains(v)] == []
