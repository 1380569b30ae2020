"""`make e2e` with the real kubectl against a recording API server, and the real services.

Only kind is not here: it needs a container engine. Its command lines are recorded.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes.api_server import serving
from kubernetes.recording_cluster import Node, RecordingCluster
from kubernetes.test_roll_outs import assert_runs
from local.running import TOOL, Local
from manifests.first_batch import first_batches
from manifests.objects import Manifests, read_manifests
from manifests.release import read_release

from workflows.reading import ROOT, SERVICES
from workflows.recorded import Programs

# The first test trains the models, on a machine that may be busy.
pytestmark = pytest.mark.timeout(1200)

CONTEXT = "kind-ml-services"
NAMES = sorted(one.package for one in SERVICES.values())
MODELS = ROOT / "deploy/kubernetes/overlays/local/models.yaml"

# The real kubectl; only port-forward, for which a server has to reach pods, starts the service on
# this machine instead, with the API key that the cluster's Secret has.
KUBECTL = """\
#!{python}
import base64, json, os, pathlib, subprocess, sys, tomllib
real, words = {kubectl!r}, sys.argv[1:]
if "port-forward" not in words:
    os.execv(real, [real, *words])
before = words[: words.index("port-forward")]
name = words[words.index("port-forward") + 1].removeprefix("service/")
get = [real, *before, "get", "secret", name + "-api-keys", "-o", "json"]
secret = json.loads(subprocess.run(get, stdout=subprocess.PIPE, check=True).stdout)
key = base64.b64decode(secret["data"]["API_KEYS"]).decode()
[folder] = [
    path.parent
    for path in pathlib.Path({root!r}).glob("*/service.toml")
    if tomllib.loads(path.read_text())["package"] == name
]
up = [sys.executable, {tool!r}, "--state", {state!r}, "up", str(folder)]
subprocess.run(up, env=os.environ | {{"API_KEYS": key}}, stdout=2, check=True)
record = json.loads((pathlib.Path({state!r}) / (folder.name + ".json")).read_text())
print("Forwarding from 127.0.0.1:%d -> 80" % record["port"], flush=True)
"""


def run(
    checkout: Path, command: str, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, checkout / "deploy/e2e/e2e.py", command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_models_are_trained_mounted_and_named_by_their_digests(
    prepared: Path, recorded_kind: Programs
) -> None:
    release = read_release(prepared / "reports/e2e/release.json", values=frozenset(), tags=True)
    assert sorted(release.models) == NAMES
    settings = json.loads((prepared / "reports/e2e/kind.json").read_text(encoding="utf-8"))
    ((mount,),) = [node["extraMounts"] for node in settings["nodes"]]
    volume, _ = yaml.safe_load_all(MODELS.read_text(encoding="utf-8"))
    assert mount["containerPath"] == volume["spec"]["hostPath"]["path"]
    for name in NAMES:
        assert (Path(mount["hostPath"]) / name / "manifest.json").is_file()
        assert release.models[name].uri == f"file:///models/{name}"
    assert [call[1:3] for call in recorded_kind.calls()] == [
        ["create", "cluster"],
        *[["load", "image-archive"]] * len(NAMES),
    ]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RecordingCluster]:
    recording = RecordingCluster()
    with serving(recording, tmp_path, CONTEXT):
        yield recording


@pytest.fixture
def environment(prepared: Path, kubectl: str, local: Local, tmp_path: Path) -> dict[str, str]:
    """An environment with the program above, and the manifests rendered as `make e2e` does it."""
    path = tmp_path / "programs" / "kubectl"
    path.parent.mkdir()
    path.write_text(
        KUBECTL.format(
            python=sys.executable, kubectl=kubectl, root=str(prepared), tool=str(TOOL),
            state=str(local.state),
        ),
        encoding="utf-8",
    )  # fmt: skip
    path.chmod(0o755)
    render = ["-m", "manifests", "render", "local", "reports/e2e/release.json"]
    subprocess.run(
        [sys.executable, *render, "--out", "reports/kubernetes/local.yaml"],
        cwd=prepared,
        env=os.environ | {"PYTHONPATH": f"{ROOT}/deploy/kubernetes:{ROOT}/tools"},
        check=True,
    )
    namespace = prepared / "deploy/kubernetes/base/namespace.yaml"
    namespace.parent.mkdir(parents=True, exist_ok=True)
    namespace.write_bytes((ROOT / "deploy/kubernetes/base/namespace.yaml").read_bytes())
    return os.environ | {
        "PATH": f"{path.parent}:{os.environ['PATH']}",
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "KUBECACHEDIR": str(tmp_path / "cache"),
    }


def test_the_real_kubectl_applies_everything_and_the_real_services_answer(
    prepared: Path, cluster: RecordingCluster, environment: dict[str, str], local: Local
) -> None:
    # Predictions are made before: port-forward has half a minute.
    folders = [prepared / folder for folder in SERVICES]
    assert local("up", *folders).returncode == 0
    assert local("down").returncode == 0

    done = run(prepared, "apply", environment)

    assert done.returncode == 0, done.stdout + done.stderr
    rendered = (prepared / "reports/kubernetes/local.yaml").read_text(encoding="utf-8")
    # The API has the namespace in the address.
    assert_runs(cluster, rendered.replace("\n  namespace: ml-services\n", "\n"))
    assert sorted(cluster.names("Secret")) == [f"{name}-api-keys" for name in NAMES]
    manifests = read_manifests(rendered, local=True)
    jobs = [f"{batch.name}-1" for batch in first_batches(manifests)]
    assert sorted(cluster.names("Job")) == sorted(jobs)
    for job in jobs:
        assert f"job.batch/{job} condition met" in done.stdout
        assert_makes_what_the_service_looks_for(cluster.node("Job", job), manifests)
    for name in NAMES:
        assert f'deployment "{name}" successfully rolled out' in done.stdout
    answers = [line for line in done.stdout.splitlines() if ": ready, answers" in line]
    assert sorted(answers) == sorted(
        f"{one.package}: ready, answers {len(one.demo['requests'])} requests as expected"
        for one in SERVICES.values()
    )


def assert_makes_what_the_service_looks_for(job: Node, manifests: Manifests) -> None:
    assert "ownerReferences" not in job["metadata"]
    [app] = job["spec"]["template"]["spec"]["containers"]
    assert "command" not in app
    [service] = [one for one in SERVICES.values() if f"/{one.image_name}:" in app["image"]]
    places = {"model": "/model/current", "work": "/data"}
    prepared = [[word.format_map(places) for word in one] for one in service.demo["prepare"]]
    assert app["args"] in prepared
    [settings] = [
        manifests.environment(container)
        for pod in manifests.pods
        if pod.owner == f"Deployment/{service.package}"
        for container in pod.containers
        if container.name == "app"
    ]
    for name, value in service.demo["settings"].items():
        assert settings[name] == value.format_map(places)


def test_after_a_failure_objects_pods_events_and_logs_are_shown(
    prepared: Path, cluster: RecordingCluster, environment: dict[str, str]
) -> None:
    for name in NAMES:
        labels = {"app.kubernetes.io/name": name}
        pod = {
            "kind": "Pod",
            "metadata": {"name": f"{name}-1", "labels": labels},
            "spec": {"containers": [{"name": "app", "image": name}]},
        }
        cluster.ask("apply", "--server-side", "--field-manager=me", text=json.dumps(pod))

    done = run(prepared, "logs", environment)

    assert done.returncode == 0
    for name in NAMES:
        assert f"{name}-1 " in done.stdout
        assert f"{name}-1 app started" in done.stdout
    assert "No resources found" in done.stderr  # events
    assert "Error" not in done.stderr
    assert "error" not in done.stderr


def test_the_cluster_is_removed_by_its_name(
    prepared: Path, programs: Callable[..., Programs]
) -> None:
    kind = programs("kind")

    assert run(prepared, "down", kind.environment()).returncode == 0

    assert kind.calls() == [["kind", "delete", "cluster", "--name", "ml-services", ""]]


def test_a_failure_ends_it(tmp_path: Path, programs: Callable[..., Programs]) -> None:
    for name in ("deploy/e2e/e2e.py", "tools/service_files.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    kind = programs("kind")
    kind.answer({"create cluster": (1, "no container engine")})

    done = run(tmp_path, "prepare", kind.environment() | {"PATH": f"{kind.folder}:/bin:/usr/bin"})

    assert done.returncode == 1
    assert "no container engine" in done.stderr
    assert "kind ended with 1" in done.stderr
    assert not (tmp_path / "reports/e2e/release.json").exists()


def test_a_refusal_of_the_cluster_ends_it(
    prepared: Path, cluster: RecordingCluster, environment: dict[str, str]
) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    applied = json.dumps(settings | {"data": {"LEVEL": "info"}})
    cluster.ask("apply", "--server-side", "--field-manager=another", text=applied)
    rendered = prepared / "reports/kubernetes/local.yaml"
    rendered.write_text(json.dumps(settings | {"data": {"LEVEL": "debug"}}), encoding="utf-8")

    done = run(prepared, "apply", environment)

    assert done.returncode == 1
    assert "Apply failed with conflicts" in done.stderr
    assert "kubectl ended with 1" in done.stderr
