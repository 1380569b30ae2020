"""The environments that a policy names, as the variables that markers speak of."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product

from packaging.markers import Marker, UndefinedComparison

__all__ = ["PATCHES", "PLATFORMS", "environments_of", "marker_environments"]

PLATFORMS: Mapping[str, Mapping[str, str]] = {
    "linux-x86_64": {
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_system": "Linux",
        "sys_platform": "linux",
    },
    "linux-aarch64": {
        "os_name": "posix",
        "platform_machine": "aarch64",
        "platform_system": "Linux",
        "sys_platform": "linux",
    },
    "macos-arm64": {
        "os_name": "posix",
        "platform_machine": "arm64",
        "platform_system": "Darwin",
        "sys_platform": "darwin",
    },
    "macos-x86_64": {
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_system": "Darwin",
        "sys_platform": "darwin",
    },
    "windows-x86_64": {
        "os_name": "nt",
        "platform_machine": "AMD64",
        "platform_system": "Windows",
        "sys_platform": "win32",
    },
}
"""The platforms that a policy can name. Each supported one is CPython."""

# `python_full_version < "3.11.4"` splits a minor version, so every patch release counts. No minor
# version of Python 3 has come near this many.
PATCHES = range(40)

_UNKNOWN = ("platform_release", "platform_version")


def marker_environments(
    pythons: Sequence[str], platforms: Sequence[str]
) -> Iterator[dict[str, str]]:
    """Every environment that these Pythons and platforms admit, patch releases included."""
    for python, patch, platform in product(pythons, PATCHES, platforms):
        full_version = f"{python}.{patch}"
        yield {
            "implementation_name": "cpython",
            "implementation_version": full_version,
            "platform_python_implementation": "CPython",
            **dict.fromkeys(_UNKNOWN, ""),
            "python_full_version": full_version,
            "python_version": python,
            **PLATFORMS[platform],
        }


@cache
def environments_of(
    marker: Marker | None, pythons: tuple[str, ...], platforms: tuple[str, ...]
) -> frozenset[int]:
    """The places, in `marker_environments`, of those that satisfy a marker; None asks nothing."""
    return frozenset(
        place
        for place, environment in enumerate(marker_environments(pythons, platforms))
        if marker is None or not _is_decidable(marker) or _satisfies(environment, marker)
    )


def _is_decidable(marker: Marker) -> bool:
    """Whether the marker asks only for what a policy says, which the kernel's release is not."""
    return not any(variable in str(marker) for variable in _UNKNOWN)


def _satisfies(environment: Mapping[str, str], marker: Marker) -> bool:
    try:
        return marker.evaluate(environment)
    except UndefinedComparison:
        # It compares what has no order, such as the name of a system.
        return True
