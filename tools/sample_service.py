"""Trains one service on sample data, seals the model, and serves it as a process.

The table ``demo`` of its ``service.toml`` may list further arguments of ``train``, commands to run
after it (``prepare``), and ``settings``; the table ``proof`` trains on a small sample. ``{model}``,
``{work}`` and ``{data}`` in them are replaced by folders.
"""

import contextlib
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from servicekit.files import sha256_of_file
from servicekit.launch import NotListeningError, NotReadyInTimeError, ServiceProcess


@dataclass(frozen=True)
class SampleService:
    """A service that was trained on sample data.

    Attributes:
        package: Its import package.
        script: The table ``demo`` of its ``service.toml``.
        model: Folder of its sealed model.
    """

    package: str
    script: Mapping[str, Any]
    model: Path

    @property
    def command(self) -> list[str]:
        """Its command line, without arguments."""
        return [sys.executable, "-m", self.package]

    def settings(self) -> dict[str, str]:
        """The settings that serving it needs, besides the digest of its model."""
        folders = {"model": str(self.model), "work": str(self.model.parent)}
        own = self.script.get("settings", {}).items()
        return {name: value.format_map(folders) for name, value in own} | {
            "MODEL_DIR": str(self.model)
        }

    @contextlib.contextmanager
    def served(
        self, settings: Mapping[str, str], *, log: Path | None = None
    ) -> Iterator[ServiceProcess]:
        """Serve it on a free port of the loopback interface until the block is left.

        Exits with a message if it does not start, or does not end with 0 after SIGTERM.

        Args:
            settings: Settings besides those of ``service.toml``.
            log: File for its log; a temporary one unless given.
        """
        needed = self.settings() | {
            "MODEL_SHA256": sha256_of_file(self.model / "manifest.json"),
        }
        try:
            with ServiceProcess(
                [*self.command, "serve"], {**needed, **settings}, log=log
            ) as process:
                process.wait_until_ready()
                yield process
                code = process.stop()
        except (NotListeningError, NotReadyInTimeError) as error:
            sys.exit(f"{error}")
        if code != 0:
            sys.exit(f"The service ended with {code} after SIGTERM, not with 0.")


@contextlib.contextmanager
def trained(service: Path, *, tell: Callable[[str], None]) -> Iterator[SampleService]:
    """Train and seal a model in a temporary folder; see `train_in`."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        yield train_in(Path(folder), service, tell=tell)


def train_in(folder: Path, service: Path, *, tell: Callable[[str], None]) -> SampleService:
    """Train and seal a model on sample data, and run the service's ``prepare`` commands.

    Args:
        folder: Folder for the model, in ``model``, and for what the commands write.
        service: Folder of the service.
        tell: Called with a description of each step.
    """
    description = tomllib.loads((service / "service.toml").read_text(encoding="utf-8"))
    script = description["demo"]
    found = SampleService(description["package"], script, folder / "model")
    tell("Training and sealing a model on sample data")
    train: list[str | Path] = [*found.command, "train", "--out", found.model]
    train += ["--reports", folder / "report", *script.get("train", [])]
    subprocess.run(train, check=True)  # noqa: S603
    _prepare(found, tell)
    return found


def train_on_small_sample(
    service: Path, folder: Path, *, seed: int, tell: Callable[[str], None]
) -> SampleService:
    """Train and seal a model as ``make prove-pins`` does, and run the ``prepare`` commands.

    Args:
        service: Folder of the service.
        folder: An empty folder for the model and its data.
        seed: Random seed of the training; other seeds give other models.
        tell: Called with a description of each step.
    """
    description = tomllib.loads((service / "service.toml").read_text(encoding="utf-8"))
    found = SampleService(description["package"], description["demo"], folder / "model")
    data = folder / "data"
    data.mkdir()
    places = {"model": str(found.model), "work": str(folder), "data": str(data)}
    tell(f"Training and sealing a model on a small sample, seed {seed}")
    proof = description["proof"]
    for arguments in [*proof.get("prepare", []), *proof["train"]]:
        filled = [argument.format_map(places) for argument in arguments]
        seeded = ["--seed", str(seed)] if "train" in filled else []
        subprocess.run([sys.executable, *filled, *seeded], check=True)  # noqa: S603
    _prepare(found, tell)
    return found


def _prepare(found: SampleService, tell: Callable[[str], None]) -> None:
    """Run the ``prepare`` commands of the demonstration."""
    places = {"model": str(found.model), "work": str(found.model.parent)}
    for arguments in found.script.get("prepare", []):
        tell("Running " + " ".join([found.package, *arguments]))
        filled = [argument.format_map(places) for argument in arguments]
        subprocess.run([*found.command, *filled], check=True)  # noqa: S603


def flip_a_bit(model: Path) -> Path:
    """Change one bit in the middle of the largest file of a sealed model; the file."""
    file = max(model.iterdir(), key=lambda path: path.stat().st_size)
    contents = bytearray(file.read_bytes())
    contents[len(contents) // 2] ^= 0x01
    file.write_bytes(contents)
    return file


def send(url: str, request: Mapping[str, Any]) -> tuple[int, Any]:
    """Send one request.

    Args:
        url: Address of the service.
        request: Its ``method``, ``path`` and, optionally, ``body``.

    Returns:
        The status, and the answer's JSON, or ``{"page": text}`` if it is not JSON.
    """
    answer = httpx2.request(
        request["method"], url + request["path"], json=request.get("body"), timeout=30
    )
    is_json = "json" in answer.headers["content-type"]
    return answer.status_code, answer.json() if is_json else {"page": answer.text}
