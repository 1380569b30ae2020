import pytest
from packaging.markers import Marker
from pinproof.closure.markers import marker_for
from pinproof.repository.marker_environments import matching_environments

PYTHONS = ("3.11", "3.12")
PLATFORMS = ("linux-x86_64", "linux-aarch64", "macos-arm64")

# a marker as a package writes it, and the shortest that holds in the same environments
SAME = [
    ('sys_platform == "linux"', 'sys_platform == "linux"'),
    ('platform_system == "Darwin"', 'sys_platform == "darwin"'),
    ('sys_platform != "win32"', ""),
    (
        'platform_system == "Linux" and platform_machine == "x86_64"',
        'sys_platform == "linux" and platform_machine == "x86_64"',
    ),
    ('platform_machine != "aarch64"', None),
    ('python_version < "3.12"', 'python_version < "3.12"'),
    ('python_full_version < "3.11.3"', 'python_full_version < "3.11.3"'),
    ('python_full_version >= "3.12.0"', 'python_version >= "3.12"'),
    (
        'sys_platform == "darwin" and python_version >= "3.12"',
        'sys_platform == "darwin" and python_version >= "3.12"',
    ),
    (
        'sys_platform == "darwin" or python_version >= "3.12"',
        'sys_platform == "darwin" and python_version < "3.12" or python_version >= "3.12"',
    ),
    ('implementation_name == "cpython"', ""),
]


@pytest.mark.parametrize(("written", "shortest"), SAME)
def test_the_shortest_marker_holds_where_the_written_one_does(
    written: str, shortest: str | None
) -> None:
    places = matching_environments(Marker(written), PYTHONS, PLATFORMS)

    marker = marker_for(places, PYTHONS, PLATFORMS)

    assert shortest in (marker, None)
    parsed = Marker(marker) if marker else None
    assert matching_environments(parsed, PYTHONS, PLATFORMS) == places


def test_all_systems_except_one_are_written_as_not_that_one() -> None:
    platforms = ("linux-x86_64", "macos-arm64", "windows-x86_64")
    places = matching_environments(Marker('os_name == "posix"'), PYTHONS, platforms)

    assert marker_for(places, PYTHONS, platforms) == 'sys_platform != "win32"'
