"""What `make e2e` asks of kind and kubectl. They themselves are not here."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from manifests.release import read_release

from workflows.conftest import Programs
from workflows.reading import ROOT

TOOL = ROOT / "deploy/e2e/e2e.py"
NAMES = ("bankchurn", "chicagotaxi", "nlpinsight")
MODELS = ROOT / "deploy/kubernetes/overlays/local/models.yaml"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A tree like this one, in which training takes no time."""
    root = tmp_path / "tree"
    (root / "deploy/e2e").mkdir(parents=True)
    (root / "deploy/e2e/e2e.py").write_bytes(TOOL.read_bytes())
    for folder in ("BankChurn-Predictor", "NLPInsight-Analyzer", "ChicagoTaxi-Pipeline"):
        python = root / folder / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text('#!/bin/sh\nmkdir -p "$5" && echo "$2" > "$5/manifest.json"\n', "utf-8")
        python.chmod(0o755)
        (root / folder / "demo.toml").write_bytes((ROOT / folder / "demo.toml").read_bytes())
    return root


def run(checkout: Path, command: str, programs: Programs) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, checkout / "deploy/e2e/e2e.py", command],
        env=programs.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_models_are_trained_mounted_and_named_by_their_digests(
    checkout: Path, programs: Callable[..., Programs]
) -> None:
    kind = programs("kind")

    done = run(checkout, "prepare", kind)

    assert done.returncode == 0, done.stderr
    release = read_release(checkout / "reports/e2e/release.json", values=frozenset(), tags=True)
    assert release.models.keys() == set(NAMES)
    settings = json.loads((checkout / "reports/e2e/kind.json").read_text(encoding="utf-8"))
    ((mount,),) = [node["extraMounts"] for node in settings["nodes"]]
    volume, _ = yaml.safe_load_all(MODELS.read_text(encoding="utf-8"))
    assert mount["containerPath"] == volume["spec"]["hostPath"]["path"]
    for name in NAMES:
        assert (Path(mount["hostPath"]) / name / "manifest.json").is_file()
        assert release.models[name].uri == f"file:///models/{name}"
    assert [call[1:3] for call in kind.calls()] == [
        ["create", "cluster"],
        *[["load", "image-archive"]] * 3,
    ]


def test_everything_is_applied_to_the_cluster_of_its_own_and_waited_for(
    checkout: Path, programs: Callable[..., Programs]
) -> None:
    kubectl = programs("kubectl")
    job = {
        "metadata": {"name": "chicagotaxi-pipeline-1", "ownerReferences": [{}]},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "command": ["sh"]}]}}},
    }
    kubectl.answer(
        {"create job": (0, json.dumps(job)), "get cronjobs": (0, json.dumps(cron_jobs()))}
    )
    smoke = checkout / "deploy/release/smoke.py"
    smoke.parent.mkdir()
    smoke.write_text(
        "import sys, os\nassert os.environ['SMOKE_API_KEY']\nprint(sys.argv[1:])\n", "utf-8"
    )

    done = run(checkout, "apply", kubectl)

    assert done.returncode == 0, done.stderr
    calls = [call[:-1] for call in kubectl.calls()]
    assert {tuple(call[1:3]) for call in calls} == {("--context", "kind-ml-services")}
    waited = [call for call in calls if "rollout" in call or "wait" in call]
    assert [next(word for word in call if "/" in word) for call in waited] == [
        "job/chicagotaxi-pipeline-1",
        *(f"deployment/{name}" for name in NAMES),
    ]
    assert "'--context', 'kind-ml-services'" in done.stdout


def cron_jobs() -> dict[str, object]:
    """Those of the overlay: one that runs for each new model, and retraining, which does not."""
    found = []
    for name, annotations in (
        ("bankchurn-retraining", {}),
        ("chicagotaxi-pipeline", {"ml-services/runs-for-each-new-model": "true"}),
    ):
        pod = {"containers": [{"name": "app", "image": "localhost/chicagotaxi-pipeline:dev"}]}
        spec = {"jobTemplate": {"spec": {"template": {"spec": pod}}}}
        found.append({"metadata": {"name": name, "annotations": annotations}, "spec": spec})
    return {"items": found}


def test_what_a_job_makes_is_what_the_service_looks_for(
    checkout: Path, programs: Callable[..., Programs]
) -> None:
    kubectl = programs("kubectl")
    job = {"metadata": {}, "spec": {"template": {"spec": {"containers": [{"command": ["sh"]}]}}}}
    kubectl.answer(
        {"create job": (0, json.dumps(job)), "get cronjobs": (0, json.dumps(cron_jobs()))}
    )
    code = (
        "import sys, json; sys.path.insert(0, 'deploy/e2e'); import e2e;"
        "print(json.dumps([one['spec'] for one in e2e.first_jobs()]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env=kubectl.environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    [spec] = json.loads(done.stdout)
    [app] = spec["template"]["spec"]["containers"]
    assert "command" not in app
    assert app["args"][:1] == ["run"]
    settings = (ROOT / "deploy/kubernetes/base/chicagotaxi/settings.env").read_text("utf-8")
    looked = next(
        line.partition("=")[2] for line in settings.splitlines() if "PREDICTIONS_DIR" in line
    )
    assert f"{app['args'][app['args'].index('--out') + 1]}/predictions" == looked
    assert app["args"][app["args"].index("--model") + 1] == "/model/current"


def test_a_failure_ends_it(checkout: Path, programs: Callable[..., Programs]) -> None:
    kind = programs("kind")
    kind.answer({"create cluster": (1, "no container engine")})

    done = run(checkout, "prepare", kind)

    assert done.returncode == 1
    assert "kind ended with 1" in done.stderr
    assert not (checkout / "reports/e2e/release.json").exists()
