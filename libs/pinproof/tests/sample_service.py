"""A toy service with a toy library in many versions, as wheels: whole environments, offline."""

import os
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import modelseal
from packaging.requirements import Requirement
from pinproof.closure.uv import find_uv

UV = find_uv(Path(__file__).parents[3])
SERVICE = "toy"

MODEL = """
import toylib

class Predictor:
    def __init__(self, state):
        self.state = state

    def replay(self, inputs):
        return {"probability": [toylib.score(value, self.state) for value in inputs]}

def load(files):
    return Predictor(toylib.load(files["model.bin"]))
"""

TRAIN = """
import sys
from pathlib import Path

import toylib
from modelseal import GoldenSet, Tolerance, seal
from toyservice.model import load

files = {"model.bin": toylib.train()}
inputs = (0.1, 0.4, 0.9)
golden = GoldenSet(
    inputs=inputs,
    outputs={name: tuple(values) for name, values in load(files).replay(inputs).items()},
    tolerances={"probability": Tolerance(absolute=1e-9)},
)
seal(
    Path(sys.argv[1]),
    name="toy",
    version="1.0.0",
    loader="toy",
    files=files,
    golden=golden,
    data={},
    metrics={"auc": toylib.QUALITY},
    parameters={},
)
"""

LIBRARY = """
QUALITY = 0.8

def train():
    return b"1:0.5"

def load(data):
    assert data.startswith(b"1:"), "another format"
    return float(data[2:])

def score(value, state):
    return min(value * state * 2, 1.0)
"""

REFUSED = "def {0}(*arguments):\n    raise ValueError('no {0} any more')\n"
OTHER_FORMAT = """
def train():
    return b"2:0.5"

def load(data):
    assert data.startswith(b"2:"), "another format"
    return float(data[2:])
"""

# What each series of the library does to a model that 1.2 wrote.
LIBRARIES = {
    "1.2.0": LIBRARY,
    "1.2.1": LIBRARY,
    "1.3.0": LIBRARY,
    "1.4.0": "raise ImportError('needs another toy')",
    "1.5.0": LIBRARY + OTHER_FORMAT,
    "1.6.0": LIBRARY + OTHER_FORMAT + REFUSED.format("train"),
    "1.7.0": LIBRARY + REFUSED.format("score"),
    "1.8.0": LIBRARY + "def score(value, state):\n    return 1 - value\n",
    "1.9.0": LIBRARY + REFUSED.format("train"),
    "1.10.0": LIBRARY + "QUALITY = 0.5\n",
    "1.11.0": LIBRARY,
    "1.12.0": LIBRARY,
    # A patch release that changes answers, and one that trains another model.
    "2.0.0": LIBRARY,
    "2.0.1": LIBRARY + "def score(value, state):\n    return 1 - value\n",
}
REQUIRES = {"1.11.0": ("otherlib>=2.0",), "1.12.0": ("otherlib<1.0",)}


class SampleRepository:
    """A repository with one service, and a folder of wheels that its pins are resolved from."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.root = folder / "repository"
        self.cache = folder / "cache"
        self.wheels = wheels
        self.variables = {
            "UV_CACHE_DIR": str(wheels / ".uv"),
            "UV_FIND_LINKS": str(wheels),
            "UV_NO_INDEX": "1",
            "UV_OFFLINE": "1",
        }

    def write(self, *pins: str) -> "SampleRepository":
        service = self.root / SERVICE
        service.mkdir(parents=True, exist_ok=True)
        (service / "requirements-prod.txt").write_text("".join(f"{pin}\n" for pin in pins))
        (service / "requirements-dev.txt").write_text("-r requirements-prod.txt\n")
        (self.root / "pins.toml").write_text(
            f'[policy]\npythons = ["{sys.version_info[0]}.{sys.version_info[1]}"]\n'
            'platforms = ["linux-x86_64", "macos-arm64"]\nservices = ["toy"]\n[proof.toy]\n'
            'train = [["-m", "toyservice", "{model}"]]\nmetrics = { auc = 0.01 }\n'
        )
        return self

    def texts(self) -> dict[str, str]:
        """Every file of the repository, but for the cache."""
        return {
            str(path.relative_to(self.root)): path.read_text()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and ".cache" not in path.parts
        }

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process that resolves from here and from nowhere else."""
        own = {name: text for name, text in os.environ.items() if not name.startswith("UV_")}
        return own | self.variables


PINS = (
    "toyservice~=1.0.0",
    "toylib~=1.2.0",
    "otherlib~=1.0.0",
    "sidelib~=1.0.0",
    "modelseal~=1.0.0",
)


def sample_wheels(folder: Path) -> Path:
    """Every wheel that the sample_service need."""
    folder.mkdir(parents=True, exist_ok=True)
    package = Path(modelseal.__file__).parent
    sources = {
        f"modelseal/{path.relative_to(package)}": path.read_bytes()
        for path in package.rglob("*.py")
    }
    _wheel(folder, "modelseal", "1.0.0", sources, ("packaging", "pydantic"))
    code = {"__init__.py": "", "model.py": MODEL, "__main__.py": TRAIN}
    service = {f"toyservice/{name}": text.encode() for name, text in code.items()}
    loaders = "[modelseal.loaders]\ntoy = toyservice.model:load\n"
    _wheel(folder, "toyservice", "1.0.0", service, ("toylib", "modelseal"), entry_points=loaders)
    for version, text in LIBRARIES.items():
        _wheel(folder, "toylib", version, {"toylib.py": text.encode()}, REQUIRES.get(version, ()))
    for name, version in (("otherlib", "0.9.0"), ("otherlib", "1.0.0"), ("otherlib", "2.0.0")):
        _wheel(folder, name, version, {f"{name}.py": b""})
    # Nothing that predicts loads this one; its last version ends whatever process imports it.
    for number, body in (("1.0.0", b""), ("1.1.0", b""), ("1.2.0", b"import os; os._exit(3)")):
        _wheel(folder, "sidelib", number, {"sidelib.py": body})
    for name in closure_of("pydantic", "packaging"):
        repack(folder, name)
    return folder


def _wheel(
    folder: Path,
    name: str,
    version: str,
    files: dict[str, bytes],
    requires: tuple[str, ...] = (),
    *,
    entry_points: str = "",
) -> None:
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
    wheel = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    written = files | {f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": wheel.encode()}
    if entry_points:
        written[f"{info}/entry_points.txt"] = entry_points.encode()
    _write(folder / f"{name}-{version}-py3-none-any.whl", written, info)


def _write(path: Path, files: dict[str, bytes], info: str) -> None:
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, content)


def repack(folder: Path, name: str) -> None:
    """Make a wheel again of what is installed here."""
    installed = distribution(name)
    files = {}
    info = ""
    for file in installed.files or ():
        if file.suffix != ".pyc" and ".." not in file.parts and file.name != "RECORD":
            files[str(file)] = Path(str(installed.locate_file(file))).read_bytes()
            info = file.parts[0] if file.parts[0].endswith(".dist-info") else info
    files.pop(f"{info}/INSTALLER", None)
    files.pop(f"{info}/direct_url.json", None)
    _write(folder / f"{info.removesuffix('.dist-info')}-py3-none-any.whl", files, info)


def closure_of(*names: str) -> set[str]:
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            for text in distribution(name).requires or ():
                requirement = Requirement(text)
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    pending.append(requirement.name)
    return found
