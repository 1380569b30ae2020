"""Folders with small distributions for the import path, for tests that need several versions."""

import base64
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

PACKAGES = frozenset({"toyservice", "guardedlib", "innocent", "bystander", "plotting"})

SERVICE_CODE = """
import os
import pickle
from pathlib import Path

import guardedlib
import innocent.used


class Predictor:
    def __init__(self, weight):
        self.weight = weight

    def replay(self, inputs):
        scores = [guardedlib.scale(value) * self.weight for value in inputs]
        return {"score": scores, "label": ["high" if score > 2 else "low" for score in scores]}


def load(files):
    if "LOAD_MARKER" in os.environ:
        Path(os.environ["LOAD_MARKER"]).touch()
    return Predictor(pickle.loads(files["model.pkl"]))


class TwoPaths:
    # The second path differs by the number in the file.
    def __init__(self, gap):
        self.gap = gap

    def replay(self, inputs):
        table = [guardedlib.scale(value) for value in inputs]
        return {"table": table, "request": [score + self.gap for score in table]}


def load_two_paths(files):
    return TwoPaths(pickle.loads(files["model.pkl"]))


def load_nothing(files):
    raise RuntimeError("no such thing")


def load_unpredictable(files):
    return object()
"""

LOADERS = """
toy = toyservice.model:load
two-paths = toyservice.model:load_two_paths
broken-import = toyservice.absent:load
broken-load = toyservice.model:load_nothing
broken-predict = toyservice.model:load_unpredictable
"""


class SitePackages:
    """A folder with distributions, for the import path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def install(
        self,
        name: str,
        version: str,
        files: dict[str, str],
        *,
        loaders: str = "",
        requires: tuple[str, ...] = (),
    ) -> Self:
        """Write a distribution as an installer would, with its metadata and record."""
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        written = files | {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\n"}
        written[f"{info}/METADATA"] += f"Version: {version}\n"
        written[f"{info}/METADATA"] += "".join(f"Requires-Dist: {text}\n" for text in requires)
        if loaders:
            written[f"{info}/entry_points.txt"] = f"[modelseal.loaders]{loaders}"
        for file, text in written.items():
            (self.path / file).parent.mkdir(parents=True, exist_ok=True)
            (self.path / file).write_text(text)
        record = "".join(f"{file},{_record_hash(text)}\n" for file, text in written.items())
        (self.path / info / "RECORD").write_text(f"{record}{info}/RECORD,,\n")
        return self


def toy_site_packages(
    path: Path, *, guardedlib: str = "1.2.3", factor: str = "2.0"
) -> SitePackages:
    """A service with a model, the library that it predicts with, and unused distributions."""
    service = {"toyservice/__init__.py": "", "toyservice/model.py": SERVICE_CODE}
    # Like many libraries, it imports a plotting library if it is installed.
    library = f"""
try:
    import plotting
except ImportError:
    pass

def scale(value):
    return value * {factor}
"""
    return (
        SitePackages(path)
        .install(
            "toyservice",
            "1.0.0",
            service,
            loaders=LOADERS,
            requires=("guardedlib[fast]~=1.2.3", "bystander~=5.0.0"),
        )
        .install(
            "guardedlib",
            guardedlib,
            {"guardedlib/__init__.py": library},
            requires=('innocent-used; extra == "fast"', 'plotting; extra == "plots"'),
        )
        # Two distributions share a namespace package; only one of them is used.
        .install("innocent-used", "3.1", {"innocent/used/__init__.py": ""})
        .install("innocent-unused", "4.1", {"innocent/unused/__init__.py": ""})
        .install("bystander", "5.0.0", {"bystander.py": ""})
        .install("plotting", "6.0.0", {"plotting.py": ""})
    )


@contextmanager
def on_path(site: SitePackages) -> Iterator[None]:
    """Put a folder first on the import path of this process and of those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site.path)
        patch.setenv("PYTHONPATH", str(site.path))
        yield
    for module in list(sys.modules):
        if module.partition(".")[0] in PACKAGES:
            del sys.modules[module]


def _record_hash(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
    return f"sha256={digest.decode()},{len(text.encode())}"
