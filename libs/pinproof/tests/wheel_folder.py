"""Hand-made wheels in a folder, which uv resolves from without any index."""

import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

from pinproof.closure.uv import find_uv

REPOSITORY = Path(__file__).parents[3]
UV = find_uv(REPOSITORY)


class Wheels:
    """A folder of wheels that hold metadata and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "wheels"
        self.folder.mkdir(parents=True)
        self._cache = folder / "cache"

    def add(self, name: str, version: str, *requires: str, tag: str = "py3-none-any") -> None:
        info = f"{name.replace('-', '_')}-{version}"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
        wheel = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"
        with zipfile.ZipFile(self.folder / f"{info}-{tag}.whl", "w") as archive:
            archive.writestr(f"{info}.dist-info/METADATA", metadata)
            archive.writestr(f"{info}.dist-info/WHEEL", wheel)
            archive.writestr(f"{info}.dist-info/RECORD", "")

    def add_all(self, *wheels: Iterable[str]) -> None:
        for name, version, *requires in wheels:
            self.add(name, version, *requires)

    @property
    def environment(self) -> dict[str, str]:
        """What makes uv take from here and from nowhere else."""
        own = {name: text for name, text in os.environ.items() if not name.startswith("UV_")}
        return own | {
            "UV_CACHE_DIR": str(self._cache),
            "UV_FIND_LINKS": str(self.folder),
            "UV_NO_INDEX": "1",
            "UV_OFFLINE": "1",
        }
