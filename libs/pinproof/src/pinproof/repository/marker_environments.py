"""The environments of a policy, as values of the variables of markers."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product

from packaging.markers import Marker, UndefinedComparison

_SYSTEMS = {
    "linux-x86_64": ("posix", "x86_64", "Linux", "linux"),
    "linux-aarch64": ("posix", "aarch64", "Linux", "linux"),
    "macos-arm64": ("posix", "arm64", "Darwin", "darwin"),
    "macos-x86_64": ("posix", "x86_64", "Darwin", "darwin"),
    "windows-x86_64": ("nt", "AMD64", "Windows", "win32"),
}
_VARIABLES = ("os_name", "platform_machine", "platform_system", "sys_platform")
PLATFORMS: Mapping[str, Mapping[str, str]] = {
    platform: dict(zip(_VARIABLES, values, strict=True)) for platform, values in _SYSTEMS.items()
}
"""The platforms that a policy can name, all with CPython."""

# `python_full_version < "3.11.4"` splits a minor version, so every patch release counts. No minor
# version of Python 3 has had so many.
PATCHES = range(40)

_UNKNOWN = ("platform_release", "platform_version")


def marker_environments(
    pythons: Sequence[str], platforms: Sequence[str]
) -> Iterator[dict[str, str]]:
    """Yield an environment for each patch release of each Python on each platform."""
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


@lru_cache(maxsize=4096)
def matching_environments(
    marker: Marker | None, pythons: tuple[str, ...], platforms: tuple[str, ...], extra: str = ""
) -> frozenset[int]:
    """The environments that satisfy a marker, as indices into `marker_environments`.

    Args:
        marker: The marker. None holds everywhere, as does one on the release of a kernel, which a
            policy does not name.
        pythons: The minor versions of Python.
        platforms: The names of the platforms.
        extra: The value of the variable `extra`.
    """
    return frozenset(
        index
        for index, environment in enumerate(marker_environments(pythons, platforms))
        if marker is None
        or any(variable in str(marker) for variable in _UNKNOWN)
        or _satisfies({**environment, "extra": extra}, marker)
    )


def _satisfies(environment: Mapping[str, str], marker: Marker) -> bool:
    try:
        return marker.evaluate(environment)
    except UndefinedComparison:
        # It compares values without an order, such as the name of a system.
        return True
