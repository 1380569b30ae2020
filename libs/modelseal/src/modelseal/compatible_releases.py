"""The release series of a version: the releases that the compatible-release operator allows.

Source: `Version specifiers, compatible release
<https://packaging.python.org/en/latest/specifications/version-specifiers/#compatible-release>`_.
"""

from packaging.specifiers import SpecifierSet
from packaging.version import Version

__all__ = ["compatible_releases"]

# Of a pin that allows only other patches: ``~=1.26`` would allow 1.99.
_MINIMUM_SEGMENTS = 3


def compatible_releases(version: Version) -> SpecifierSet:
    """The compatible releases of a version: those of its series that are not older.

    The release is padded to three segments, so that the series of the calendar version 2026.6 is
    2026.6. Below 0.1 every patch may be incompatible (`Semantic Versioning 2.0.0, item 4
    <https://semver.org/#spec-item-4>`_), so the series of 0.0.9 is 0.0.9 itself. A local part such
    as ``+cpu`` is a build of the same release and is ignored.

    Args:
        version: The tested version, for example 1.26.4.

    Returns:
        The range, for example ``~=1.26.4``. It includes pre-releases, because an installed one was
        installed on purpose.
    """
    release = version.release + (0,) * (_MINIMUM_SEGMENTS - len(version.release))
    if release == (0, 0, version.micro):
        release += (0,)
    padded = version.__replace__(release=release, local=None)
    return SpecifierSet(f"~={padded}", prereleases=True)
