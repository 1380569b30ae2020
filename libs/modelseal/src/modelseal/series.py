"""The release series of a version: what the compatible-release operator admits.

Source: `Version specifiers, compatible release
<https://packaging.python.org/en/latest/specifications/version-specifiers/#compatible-release>`_.
"""

from packaging.specifiers import SpecifierSet
from packaging.version import Version

__all__ = ["MINIMUM_SEGMENTS", "compatible_releases"]

MINIMUM_SEGMENTS = 3
"""Release segments a pin needs, so that only patches float: ``~=1.26`` would admit 1.99."""


def compatible_releases(version: Version) -> SpecifierSet:
    """The releases that are compatible with a version: its series, and not older.

    The release is padded to three segments, so that a calendar version such as 2026.6 stays in
    2026.6. Below 0.1 every patch may break (`Semantic Versioning 2.0.0, item 4
    <https://semver.org/#spec-item-4>`_), so the series of 0.0.9 is 0.0.9 itself. A local part
    such as ``+cpu`` is a build of the same release and is left out.

    Args:
        version: The version that was proven, for example 1.26.4.

    Returns:
        The range, for example ``~=1.26.4``. Pre-releases are in it, because one that runs has
        been installed on purpose.
    """
    release = list(version.release)
    release += [0] * (MINIMUM_SEGMENTS - len(release))
    if release[:2] == [0, 0] and len(release) == MINIMUM_SEGMENTS:
        release.append(0)
    prefix = f"{version.epoch}!" if version.epoch else ""
    suffix = version.public.removeprefix(prefix).removeprefix(
        ".".join(str(segment) for segment in version.release)
    )
    padded = prefix + ".".join(str(segment) for segment in release) + suffix
    return SpecifierSet(f"~={padded}", prereleases=True)
