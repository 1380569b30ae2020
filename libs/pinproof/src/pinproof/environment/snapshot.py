"""Prints the distributions of the interpreter that runs this file as JSON.

It runs by path in any interpreter since Python 3.8, also without pinproof, and so imports only the
standard library.
"""

import json
import os
import platform
import sys
from importlib import metadata


def _from_folder(distribution: metadata.Distribution) -> bool:
    """Whether it was installed from a source folder, editable or not (PEP 610)."""
    try:
        return "dir_info" in json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return False


def _distributions() -> "list[dict[str, object]]":
    return [
        {
            "name": distribution.metadata["Name"],
            "version": distribution.version,
            "requires": distribution.requires or [],
            "from_folder": _from_folder(distribution),
        }
        for distribution in metadata.distributions()
        # The folder of an interrupted installation has no name.
        if distribution.metadata["Name"]
    ]


def _markers() -> "dict[str, str]":
    implementation = sys.implementation.version
    version = ".".join(map(str, implementation[:3]))
    if implementation.releaselevel != "final":
        version += implementation.releaselevel[0] + str(implementation.serial)
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": version,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


if __name__ == "__main__":
    json.dump({"markers": _markers(), "distributions": _distributions()}, sys.stdout)
