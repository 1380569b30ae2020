"""Commands with paths that cannot be used: a message, exit status 2, and no changes."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelseal.cli import app
from modelseal.testing.permissions import permissions_hold
from signers import Signer
from site_packages import on_path, toy_site_packages
from typer.testing import CliRunner, Result

GOLDEN = {
    "inputs": [1.0],
    "outputs": {"score": [3.0], "label": ["high"]},
    "tolerances": {"score": {"absolute": 1e-9}, "label": {}},
}
SEAL = "--loader toy --name toy --version 1.0.0"
COMMANDS = {
    "seal a file": f"seal HOSTILE --out out --golden golden.json {SEAL}",
    "seal with a golden set": f"seal model.pkl --out out --golden HOSTILE {SEAL}",
    "seal into": f"seal model.pkl --out HOSTILE --golden golden.json {SEAL}",
    "sign a model": "sign HOSTILE --key key.pem",
    "sign with a key": "sign model --key HOSTILE",
    "open": "open HOSTILE",
    "push": "push HOSTILE file:///tmp/pushed",
    "fetch to": f"fetch file:///tmp/published --sha256 {'0' * 64} --to HOSTILE",
    "show": "show HOSTILE",
}
PATHS = {
    "in a folder that cannot be searched": "closed/inside",
    "of a name over 255 bytes": "x" * 256,
    "over 4,096 bytes": "/".join(["d" * 100] * 42),
    "of a link to itself": "loop",
    "below a file": "model.pkl/inside",
}


@pytest.fixture
def place(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with the files that the commands need."""
    with on_path(toy_site_packages(tmp_path / "site")):
        folder = tmp_path / "place"
        folder.mkdir()
        monkeypatch.chdir(folder)
        Signer().write(Path("key.pem"))
        Path("golden.json").write_text(json.dumps(GOLDEN))
        Path("model.pkl").write_bytes(pickle.dumps(1.5))
        shutil.move(model, "model")
        Path("closed").mkdir()
        Path("closed/inside").mkdir()
        Path("closed").chmod(0)
        Path("loop").symlink_to("loop")
        yield folder


def modelseal(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_command_ends_with_2_and_changes_nothing_if_a_path_cannot_be_used(
    place: Path, command: str, path: str
) -> None:
    before = set(place.rglob("*"))

    with permissions_hold():
        done = modelseal(*(path if word == "HOSTILE" else word for word in command.split()))

    assert done.exit_code == 2, (done.exit_code, done.output, done.exception)
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.startswith("modelseal: ")
    assert set(place.rglob("*")) == before


@pytest.mark.usefixtures("place")
def test_names_that_are_not_utf8_are_read_written_and_printed(tmp_path: Path) -> None:
    name = os.fsdecode(b"mod\xe8le")
    Path(name).mkdir()
    for file in ("model.pkl", "golden.json", "key.pem"):
        Path(name, file).write_bytes(Path(file).read_bytes())
    # Even if the environment asks for strict UTF-8 output.
    environment = os.environ | {
        "PYTHONIOENCODING": "utf-8:strict",
        "PYTHONPATH": os.pathsep.join(map(str, sys.path)),
    }
    commands = (
        f"seal {name}/model.pkl --out {name}/sealed --golden {name}/golden.json {SEAL}",
        f"sign {name}/sealed --key {name}/key.pem",
        f"open {name}/sealed",
        f"push {name}/sealed {(tmp_path / 'bucket').as_uri()}",
    )
    # One process for all of them, because starting Python takes most of the time.
    code = (
        "import sys\nfrom modelseal.cli import app\n"
        "for arguments in sys.argv[1:]:\n"
        "    if status := app(arguments.split(), standalone_mode=False):\n"
        "        sys.exit(status)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *commands], env=environment, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    assert {path.name for path in (tmp_path / "bucket").iterdir()} == {
        "manifest.json",
        "model.pkl",
        "signature.json",
    }
