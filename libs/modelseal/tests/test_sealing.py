import hashlib
import json
import math
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from modelseal import Agreement, GoldenSet, Manifest, SealError, Tolerance, open_sealed, seal
from modelseal.errors import ManifestError
from modelseal.sealing import check_destination
from signers import Signer
from site_packages import on_path, toy_site_packages

TESTS = Path(__file__).parent
ONE_AND_A_HALF = pickle.dumps(1.5)


@pytest.fixture(autouse=True)
def toy_installed(tmp_path: Path) -> Iterator[None]:
    with on_path(toy_site_packages(tmp_path / "site")):
        yield


def golden(score: float = 3.0) -> GoldenSet:
    return GoldenSet(
        inputs=(1.0,),
        outputs={"score": (score,), "label": ("high",)},
        tolerances={"score": Tolerance(absolute=1e-9), "label": Tolerance()},
    )


def seal_toy(destination: Path, **changes: Any) -> Manifest:  # noqa: ANN401 - seal() checks
    fields: dict[str, Any] = {
        "name": "toy",
        "version": "1.0.0",
        "loader": "toy",
        "files": {"model.pkl": ONE_AND_A_HALF},
        "golden": golden(),
        "data": {"sha256": "ab" * 32},
        "metrics": {"auc": 0.75},
        "parameters": {"seed": 42},
    }
    return seal(destination, **(fields | changes))


def two_paths(*, gap: float, tolerance: float = 1e-6) -> dict[str, Any]:
    """Arguments of `seal` for a model whose request path differs by a gap, as its golden set."""
    golden = GoldenSet(
        inputs=(1.0, 3.0),
        outputs={"table": (2.0, 6.0), "request": (2.0 + gap, 6.0 + gap)},
        tolerances={"table": Tolerance(), "request": Tolerance()},
        agreements=(
            Agreement(outputs=("table", "request"), tolerance=Tolerance(absolute=tolerance)),
        ),
    )
    return {"loader": "two-paths", "files": {"model.pkl": pickle.dumps(gap)}, "golden": golden}


def test_a_model_whose_paths_disagree_about_one_answer_is_not_sealed(tmp_path: Path) -> None:
    with pytest.raises(SealError, match=r"'table' and 'request' are the same answer, but differ"):
        seal_toy(tmp_path / "model", **two_paths(gap=0.5))

    assert list(tmp_path.glob("model*")) == []


def test_a_model_whose_paths_disagree_only_in_a_fresh_process_is_not_sealed(
    tmp_path: Path,
) -> None:
    fields = two_paths(gap=0.5)
    promised: GoldenSet = two_paths(gap=0.0)["golden"]
    loose = {name: Tolerance(absolute=1.0) for name in promised.outputs}

    with pytest.raises(SealError, match=r"paths disagree about the same answer"):
        seal_toy(
            tmp_path / "model",
            **fields | {"golden": promised.model_copy(update={"tolerances": loose})},
        )


def test_a_model_whose_paths_agree_is_sealed_and_its_manifest_declares_it(tmp_path: Path) -> None:
    seal_toy(tmp_path / "model", **two_paths(gap=1e-9))

    [declared] = open_sealed(tmp_path / "model").manifest.golden.agreements
    assert declared.outputs == ("table", "request")
    assert declared.tolerance == Tolerance(absolute=1e-6)


def test_distributions_that_predicting_imports_and_the_service_requires_are_guarded(
    tmp_path: Path,
) -> None:
    manifest = seal_toy(tmp_path / "model")

    assert manifest.guarded == {
        "guardedlib": "1.2.3",
        "innocent-used": "3.1",
        "toyservice": "1.0.0",
    }
    # Required, but not loaded.
    assert manifest.environment["bystander"].version == "5.0.0"
    # Loaded, but only because it is installed, and not required by the service.
    assert manifest.environment["plotting"].guarded is False
    # Pydantic is loaded, but by modelseal itself.
    assert manifest.environment["pydantic"].guarded is False


def test_the_manifest_on_disk_describes_the_sealed_model(tmp_path: Path) -> None:
    manifest = seal_toy(tmp_path / "model")

    document = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert document["format"] == 1
    assert document["files"]["model.pkl"]["size"] == len(ONE_AND_A_HALF)
    assert document["python"] == ".".join(map(str, sys.version_info[:3]))
    assert document["data"] == {"sha256": "ab" * 32}
    assert document["created"].endswith("Z")
    assert open_sealed(tmp_path / "model").manifest.model_dump(exclude={"seal"}) == (
        manifest.model_dump(exclude={"seal"})
    )


def test_a_model_that_answers_differently_in_a_fresh_process_is_not_sealed(tmp_path: Path) -> None:
    with pytest.raises(SealError, match=r"golden 3\.5, now 3\.0"):
        seal_toy(tmp_path / "model", golden=golden(3.5))
    assert_nothing_left(tmp_path)


def test_a_model_that_does_not_load_in_a_fresh_process_is_not_sealed(tmp_path: Path) -> None:
    with pytest.raises(SealError, match=r"does not work in a fresh process.*no such thing"):
        seal_toy(tmp_path / "model", loader="broken-load")
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"files": {"../model.pkl": ONE_AND_A_HALF}}, "is not a valid name for a file"),
        ({"files": {"manifest.json": ONE_AND_A_HALF}}, "is not a valid name for a file"),
        ({"files": {}}, "at least 1 item"),
        ({"metrics": {"auc": math.nan}}, "finite number"),
        ({"data": {"rows": math.nan}}, "not JSON compliant"),
        ({"name": ""}, "at least 1 character"),
    ],
)
def test_a_model_that_cannot_be_described_is_not_sealed(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SealError, match=message):
        seal_toy(tmp_path / "model", **changes)
    assert_nothing_left(tmp_path)


def test_sealing_replaces_a_sealed_model_and_leaves_nothing_else(tmp_path: Path) -> None:
    seal_toy(tmp_path / "model", files={"model.pkl": ONE_AND_A_HALF, "old.txt": b"old"})

    seal_toy(tmp_path / "model", version="2.0.0")

    assert open_sealed(tmp_path / "model").manifest.version == "2.0.0"
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "manifest.json",
        "model.pkl",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "site"]


def test_sealing_does_not_change_a_folder_that_is_not_a_sealed_model(tmp_path: Path) -> None:
    precious = tmp_path / "home" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("ten years")

    with pytest.raises(SealError, match="exists and is not a sealed model"):
        seal_toy(tmp_path / "home")
    assert precious.read_text() == "ten years"


def test_sealing_does_not_change_a_folder_with_the_manifest_of_another_program(
    tmp_path: Path,
) -> None:
    (tmp_path / "webapp" / "src").mkdir(parents=True)
    (tmp_path / "webapp" / "manifest.json").write_text('{"name": "my web app"}')
    (tmp_path / "webapp" / "src" / "app.js").write_text("precious")

    with pytest.raises(SealError, match="exists and is not a sealed model"):
        seal_toy(tmp_path / "webapp")
    assert (tmp_path / "webapp" / "src" / "app.js").read_text() == "precious"


@pytest.mark.usefixtures("model")
def test_sealing_does_not_replace_a_folder_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "model" / "notes.txt").write_text("precious")

    with pytest.raises(SealError, match="or holds other files, too"):
        seal_toy(tmp_path / "model", version="2.0.0")
    assert (tmp_path / "model" / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize("where", ["file/model", "file"])
def test_a_destination_that_cannot_be_a_folder_is_refused_before_anything_is_done(
    tmp_path: Path, where: str
) -> None:
    (tmp_path / "file").write_text("precious")

    with pytest.raises(SealError, match=r"cannot be written|exists and is not"):
        check_destination(tmp_path / where)
    with pytest.raises(SealError, match=r"cannot be written|exists and is not"):
        seal_toy(tmp_path / where)
    assert (tmp_path / "file").read_text() == "precious"


def test_the_commit_is_that_of_the_code_and_not_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(TESTS)

    assert seal_toy(tmp_path / "installed").git_commit is None

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        command = ["git", "-C", str(tmp_path / "site"), *identity, *arguments]
        process = subprocess.run(command, capture_output=True, text=True, check=True)
        return process.stdout.strip()

    git("init", "--quiet")
    git("add", "toyservice")
    git("commit", "--quiet", "-m", "code")
    commit = git("rev-parse", "HEAD")
    assert seal_toy(tmp_path / "tracked").git_commit == commit
    (tmp_path / "site" / "toyservice" / "__init__.py").write_text("# changed\n")
    assert seal_toy(tmp_path / "changed").git_commit == f"{commit}-dirty"


@pytest.mark.usefixtures("model")
def test_a_failed_seal_leaves_the_previous_model_intact(tmp_path: Path) -> None:
    with pytest.raises(SealError):
        seal_toy(tmp_path / "model", version="2.0.0", golden=golden(3.5))

    assert open_sealed(tmp_path / "model").manifest.version == "1.0.0"


@pytest.mark.usefixtures("model")
def test_a_full_disk_is_a_seal_error_that_leaves_the_previous_model_intact(tmp_path: Path) -> None:
    # The size limit of a process makes write() fail as a full disk does.
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        # Bytecode files would be truncated, and break later imports.
        "sys.dont_write_bytecode = True\n"
        "from test_sealing import seal_toy\n"
        "from modelseal import SealError\n"
        "try:\n"
        "    seal_toy(Path(sys.argv[1]), version='2.0.0', files={'model.pkl': b'x' * 5000})\n"
        "except SealError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model")],
        env=os.environ | {"PYTHONPATH": f"{os.environ['PYTHONPATH']}:{TESTS}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 1
    assert "refused" in process.stderr
    assert "cannot be written: File too large" in process.stderr
    assert open_sealed(tmp_path / "model").manifest.version == "1.0.0"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "site"]


@pytest.mark.usefixtures("model")
def test_a_seal_killed_halfway_leaves_the_previous_model_intact(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from test_sealing import seal_toy\n"
        "from modelseal import sealing\n"
        "def stop(*_):\n"
        "    print('probing', flush=True)\n"
        "    sys.stdin.read()\n"
        "sealing._probe = stop\n"
        "seal_toy(Path(sys.argv[1]), version='2.0.0')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "model")],
        env=os.environ | {"PYTHONPATH": f"{os.environ['PYTHONPATH']}:{TESTS}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "probing\n"
        process.send_signal(signal.SIGKILL)

    assert open_sealed(tmp_path / "model").manifest.version == "1.0.0"
    assert len(list(tmp_path.iterdir())) == 4

    seal_toy(tmp_path / "model", version="2.0.0")

    assert open_sealed(tmp_path / "model").manifest.version == "2.0.0"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "site"]


def test_a_folder_whose_name_is_not_utf8_is_sealed_into_and_opened(tmp_path: Path) -> None:
    model = tmp_path / os.fsdecode(b"mod\xff\xe8le")

    seal_toy(model)

    assert open_sealed(model).manifest.version == "1.0.0"
    assert {path.name for path in tmp_path.iterdir()} == {"site", model.name}


def test_text_that_is_not_utf8_is_not_sealed(tmp_path: Path) -> None:
    with pytest.raises(SealError, match="cannot be described"):
        seal_toy(tmp_path / "model", data={"source": os.fsdecode(b"caf\xe9.csv")})
    assert_nothing_left(tmp_path)


@pytest.mark.usefixtures("model")
def test_a_manifest_with_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model" / "manifest.json"
    document = json.loads(path.read_bytes()) | {"data": {"source": "\udce9.csv"}, "seal": "0" * 64}
    text = json.dumps(document)
    seal_of_it = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(text.replace("0" * 64, seal_of_it, 1))

    with pytest.raises(ManifestError, match=r"not valid JSON.*surrogates not allowed"):
        open_sealed(tmp_path / "model")


def test_the_target_of_a_link_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("releases/current")
    seal_toy(tmp_path / "link")
    seal_toy(tmp_path / "link", version="2.0.0")

    assert (tmp_path / "link").is_symlink()
    assert open_sealed(tmp_path / "releases" / "current").manifest.version == "2.0.0"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.name.startswith(".")) == []


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: Path(path).symlink_to(path)])
def test_a_pipe_or_a_link_to_itself_is_refused_and_not_replaced(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "model")
    with pytest.raises(SealError):
        seal_toy(tmp_path / "model")
    assert not (tmp_path / "model").is_dir()
    assert len(list(tmp_path.iterdir())) <= 2


def assert_nothing_left(folder: Path) -> None:
    assert [path.name for path in folder.iterdir()] == ["site"]


@pytest.mark.usefixtures("model")
def test_a_new_seal_is_unsigned_and_may_replace_a_signed_model(tmp_path: Path) -> None:
    Signer().sign(tmp_path / "model")

    seal_toy(tmp_path / "model", version="2.0.0")

    assert {path.name for path in (tmp_path / "model").iterdir()} == {"manifest.json", "model.pkl"}


def test_no_file_of_a_model_has_the_name_of_the_signature(tmp_path: Path) -> None:
    files = {"model.pkl": ONE_AND_A_HALF, "signature.json": b"{}"}

    with pytest.raises(SealError, match=r"signature\.json is the name of its signature"):
        seal_toy(tmp_path / "model", files=files)
    assert_nothing_left(tmp_path)
