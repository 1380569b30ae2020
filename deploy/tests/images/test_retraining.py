"""The job that retrains: its own commands from the manifests, in the images, one after another.

The bucket is a folder: the emulator here takes no uploads, and the libraries test real requests.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import service_files
from clouds import OVERLAY, needs_cloud
from manifests.combinations import example_release
from manifests.objects import Container, Manifests, Pod, read_manifests
from manifests.release import ClusterFile, Model
from manifests.render import render

from images.containers import HARDENED, podman
from images.services import ROOT, Service

pytestmark = [pytest.mark.images, pytest.mark.timeout(3600), needs_cloud]

# As `make measure-resources` does: a champion that was trained on less, and a table. Then the table
# goes to where the job reads it, and the champion to its bucket.
PREPARE = """
import json, shutil, subprocess, sys
from pathlib import Path

package, commands, table, target, uri = json.loads(sys.argv[1])
for command in commands:
    subprocess.run([sys.executable, "-m", package, *command], check=True, stdout=sys.stderr)
target = Path(target)
target.parent.mkdir(parents=True, exist_ok=True)
if Path(table).is_dir():
    shutil.copytree(table, target, dirs_exist_ok=True)
else:
    shutil.copy(table, target)
subprocess.run(["modelseal", "push", f"models/{package}", uri], check=True)
"""
BUCKET, SCRATCH = "/bucket", "/scratch"
CHAMPION = f"file://{BUCKET}/champion"
TRAINED = f"file://{BUCKET}/trained"
CLUSTER = """\
# Which models run.
[models.{0}]
uri = "{1}"  # the first one
sha256 = "{2}"
signers = ["ed25519:KEY"]
"""
PATH = "deploy/clusters/cluster.toml"
JOB = "retraining-1"


class Job(NamedTuple):
    """A pod of the job, and its volumes, which podman keeps, with that of the bucket."""

    pod: Pod
    manifests: Manifests
    volumes: Mapping[str, str]

    def run(self, name: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run one of its containers to the end, as a kubelet does.

        Args:
            name: Its name.
            changed: Words of its command that are others here.
        """
        [container] = [one for one in self.pod.containers if one.name == name]
        environment = self.manifests.environment(container)
        if "RUN" in environment:
            environment["RUN"] = JOB
        command: list[str] = container.node["command"] + container.node.get("args", [])
        program, *words = command
        words = [
            re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], changed.get(word, word))
            for word in words
        ]
        volumes = [
            f"--volume={self.volumes[one['name']]}:{one['mountPath']}:"
            + ("ro" if one.get("readOnly") else "rw")
            for one in container.node["volumeMounts"]
        ]
        if environment:
            volumes.append(f"--volume={self.volumes[BUCKET]}:{BUCKET}")
        memory = container.node["resources"]["limits"]["memory"].lower().removesuffix("i")
        settings = [f"--env={key}={value}" for key, value in environment.items()]
        options = [*restricted(), *volumes, *settings, f"--entrypoint={program}"]
        options += [f"--memory={memory}", f"--memory-swap={memory}"]
        return podman("run", "--rm", *options, local(container), *words, check=False)


def restricted() -> list[str]:
    """The restrictions of a pod; its folder for temporary files is a volume."""
    return [one for one in HARDENED if not one.startswith("--tmpfs=")]


def local(container: Container) -> str:
    """The image of a container on this machine."""
    name = container.image.partition("@")[0].rpartition("/")[2]
    return f"localhost/{name}:dev"


def manifests_of(service: Service, digest: str, text: str) -> Manifests:
    """The manifests of a cluster whose model is the champion."""
    release = example_release(OVERLAY)
    models = {**release.models, service.package: Model(CHAMPION, digest)}
    values = {**release.values, "BUCKET_URI": TRAINED}
    file = ClusterFile(PATH, text)
    return read_manifests(
        render(OVERLAY, replace(release, models=models, values=values, cluster_file=file))
    )


def pod_of(manifests: Manifests, service: Service) -> Pod:
    [pod] = [one for one in manifests.pods if one.name == f"{service.package}-retraining"]
    return pod


@pytest.fixture(scope="module")
def plan(service: Service) -> dict[str, Any]:
    """What is measured of the job: the tables, and the training of the champion."""
    jobs = service_files.read_service(ROOT / service.folder).measurements.get("jobs", {})
    found: dict[str, Any] = jobs.get(f"{service.package}-retraining", {})
    if "challenge" not in found:
        pytest.skip("service.toml does not measure a challenge")
    return found


@pytest.fixture(scope="module")
def job(
    service: Service, plan: dict[str, Any], kubectl: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Job]:
    """The job before its first container, with its champion and its table."""
    assert kubectl
    pod = pod_of(manifests_of(service, "0123456789abcdef" * 4, "[models]\n"), service)
    places = [*(one["name"] for one in pod.spec["volumes"]), BUCKET, SCRATCH]
    names = {place: f"test-{uuid4().hex[:12]}" for place in places}
    for name in names.values():
        podman("volume", "create", name)
    try:
        digest = prepare(service, plan, pod, names)
        text = CLUSTER.format(service.package, CHAMPION, digest)
        manifests = manifests_of(service, digest, text)
        release = tmp_path_factory.mktemp("release")
        release.chmod(0o755)
        (release / "cluster.toml").write_text(text, encoding="utf-8")
        [config] = [one["name"] for one in pod.spec["volumes"] if "configMap" in one]
        yield Job(pod_of(manifests, service), manifests, names | {config: str(release)})
    finally:
        podman("volume", "rm", "--force", *names.values())


def prepare(service: Service, plan: dict[str, Any], pod: Pod, names: Mapping[str, str]) -> str:
    """Make the table and the champion, give the volumes to the user of the pod; the digest."""
    [challenge] = [one for one in pod.containers if one.name == "challenge"]
    args = challenge.node["args"]
    target = args[args.index("--data") + 1]
    volumes = [
        f"--volume={names[one['name']]}:{one['mountPath']}:U"
        for one in challenge.node["volumeMounts"]
    ]
    volumes += [f"--volume={names[place]}:{place}:U" for place in (BUCKET, SCRATCH)]
    given = json.dumps([service.package, plan["before"], plan["challenge"], target, CHAMPION])
    options = [*restricted(), *volumes, f"--workdir={SCRATCH}", "--entrypoint=python"]
    done = podman("run", "--rm", *options, service.image, "-c", PREPARE, given)
    found = re.search(r"^MODEL_SHA256=(\w{64})$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    return found[1]


def test_a_job_compares_a_challenger_and_ends_with_the_way_to_promote_it(
    service: Service, job: Job
) -> None:
    logs = {}
    for container in job.pod.containers:
        done = job.run(container.name)
        logs[container.name] = done.stdout
        assert done.returncode == 0, f"{container.name}: {done.stdout}{done.stderr}"

    *_, output = logs.values()
    uri = f"{TRAINED}/{JOB}"
    found = re.search(rf"^MODEL_URI={uri}\nMODEL_SHA256=(\w{{64}})$", output, re.MULTILINE)
    assert found is not None, output
    decision = json.loads(download(service, job, f"challenges/{JOB}/decision.json"))
    assert decision["challenger"]["sha256"] == found[1]
    assert decision["rows"]["compared"] >= 200
    page = download(service, job, f"challenges/{JOB}/decision.html")
    assert page.startswith("<!doctype html>")
    # Another process gets the challenger under this address.
    fetched = ["modelseal", "fetch", uri, "--sha256", found[1], "--to", "/tmp/model"]  # noqa: S108
    assert inside(service, job, *fetched).returncode == 0
    if decision["decision"] == "promoted":
        assert f"modelseal push signed {uri}" in output
        patch = download(service, job, f"challenges/{JOB}/promotion.patch")
        assert output.endswith(patch)
        assert applied(job, patch) == CLUSTER.format(service.package, uri, found[1])
    else:
        assert "FAILED" in output


def applied(job: Job, patch: str) -> str:
    """The release file after `git apply` in a repository."""
    [release] = [one for one in job.volumes.values() if one.startswith("/")]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / PATH
        file.parent.mkdir(parents=True)
        file.write_bytes((Path(release) / "cluster.toml").read_bytes())
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        subprocess.run(["git", "apply"], cwd=folder, check=True, input=patch.encode())
        return file.read_text(encoding="utf-8")


def inside(service: Service, job: Job, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the service's image, with the bucket."""
    program, *words = command
    options = [*HARDENED, f"--entrypoint={program}", f"--volume={job.volumes[BUCKET]}:{BUCKET}:ro"]
    return podman("run", "--rm", *options, service.image, *words, check=False)


def download(service: Service, job: Job, name: str) -> str:
    """A file of the bucket."""
    done = inside(service, job, "cat", f"{BUCKET}/trained/{name}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_table_that_cannot_be_trained_on_fails_the_job_with_the_reason(job: Job) -> None:
    done = job.run("fetch-model")
    assert done.returncode == 0, done.stderr
    [data] = [one for one in job.pod.containers if one.name == "challenge"]
    args = data.node["args"]
    missing = args[args.index("--data") + 1]

    done = job.run("challenge", **{missing: "/data/none.csv", "/work/challenge": "/work/other"})

    assert done.returncode == 2
    assert "Nothing was decided" in done.stderr
    assert "/data/none.csv" in done.stderr
