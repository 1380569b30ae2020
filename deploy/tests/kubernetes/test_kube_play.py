"""The local overlay, run: podman makes the pods that the manifests describe, of real images."""

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx2
import pytest
import yaml
from images.containers import free_port, podman, run, selected, wait_until
from images.portal import portal
from images.services import SERVICES, Service, make_model, readable
from manifests.combinations import example_release
from manifests.objects import Node
from manifests.release import Model
from manifests.render import render
from needed import program

pytestmark = pytest.mark.images

KEY = "0123456789abcdef" * 4
OURS = uuid4().hex[:8]
"""Ends the names of what is made here: podman's are those of the whole machine."""
PIPELINE = "chicagotaxi-pipeline"
NIGHT_S = 900.0


@pytest.fixture(scope="module", params=SERVICES, ids=lambda service: service.package)
def service(request: pytest.FixtureRequest) -> Service:
    """A service whose image was built."""
    found: Service = request.param
    for name in ("podman", "catatonit"):
        program(name)
    if found.folder not in selected():
        pytest.skip("make test-pods did not build this image")
    return found


@pytest.fixture(scope="module")
def digest(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What a cluster has before the deployment: the claims, the models in one, and the Secret."""
    # The model alone: what else ChicagoTaxi serves, its pipeline makes.
    training = replace(service, prepare=tuple(one for one in service.prepare if one[0] != "run"))
    model = make_model(training, tmp_path_factory.mktemp(service.package))
    claim, secret = f"models-{OURS}", f"keys-{OURS}"
    podman("volume", "create", claim)
    place = podman("volume", "inspect", claim, "--format", "{{.Mountpoint}}").stdout.strip()
    shutil.copytree(model.folder, Path(place) / service.package)
    readable(Path(place) / service.package)
    # This podman wants the form of Kubernetes' data inside a secret of its own.
    data = model.folder.parent / "secret.json"
    data.write_text(json.dumps({"API_KEYS": base64.b64encode(KEY.encode()).decode()}))
    podman("secret", "create", secret, str(data))
    yield model.sha256
    podman("secret", "rm", secret)
    for volume in podman("volume", "ls", "--quiet", "--filter", f"name={OURS}").stdout.split():
        podman("volume", "rm", "--force", volume)


@pytest.fixture(scope="module")
def nights(
    service: Service, digest: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What the pipeline's nights log: one with trips of two months, one with nothing new.

    The service's pods are not ready without. Nothing, where the service has no pipeline.
    """
    if service.package != "chicagotaxi":
        return {}
    folder = tmp_path_factory.mktemp("portal")
    last = (date.today().replace(day=1) - timedelta(days=1)).replace(day=1)  # noqa: DTZ011
    first = (last - timedelta(days=40)).replace(day=1)
    code = (
        "import subprocess, sys\n"
        "command = ['-m', 'chicagotaxi', 'generate', '/tmp/trips.csv', *sys.argv[1:]]\n"
        "subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)\n"
        "print(open('/tmp/trips.csv').read(), end='')\n"
    )
    options = ["--dialect=api", "--dirt=0", "--rows=60000", f"--first={first}"]
    options.append(f"--days={(last - first).days}")
    made = run(service.image, "-c", code, *options, entrypoint="python")
    assert made.returncode == 0, made.stderr
    trips = folder / "trips.csv"
    trips.write_text(made.stdout, encoding="utf-8")
    with portal(trips) as address:
        return {
            back: night(service, digest, folder, PORTAL=address, MONTHS_BACK=back)
            for back in ("3", "1")
        }


def night(service: Service, digest: str, folder: Path, **settings: str) -> str:
    """Run the pipeline's pod to its end; what it logged."""
    with Played("CronJob", PIPELINE, service, digest, folder, settings) as played:
        assert played.done.returncode == 0, played.done.stderr
        wait_until(lambda: not played.inspect()["State"]["Running"], "the night is over", NIGHT_S)
        logged = podman("logs", f"{played.pod}-app")
        container = played.inspect()
        assert container["State"]["ExitCode"] == 0, logged
        assert container["Config"]["User"] == "10001:10001"
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        assert not container["EffectiveCaps"]
        return logged.stdout + logged.stderr


def as_podman_wants(text: str, kind: str, name: str, settings: Mapping[str, str]) -> list[Node]:
    """A Deployment, or the pod of a CronJob, and its ConfigMaps, less what only a cluster does.

    A pod here shares this machine's network, so that it listens on loopback alone and publishes no
    port. What the kubelet would do is done: variables in a command are filled in, and nothing is
    started again. Probes are left out: podman would run curl inside the image, which has none.
    """
    objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}
    workload = objects[kind, name]
    if kind == "CronJob":
        template = workload["spec"]["jobTemplate"]["spec"]["template"]
        workload = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": template["spec"]}
        spec = workload["spec"]
    else:
        spec = workload["spec"]["template"]["spec"]
    workload["metadata"]["name"] = f"{name}-{OURS}"
    spec["restartPolicy"] = "Never"
    [fetch], [app] = spec["initContainers"], spec["containers"]
    used = {one["configMapRef"]["name"] for one in [*fetch["envFrom"], *app["envFrom"]]}
    configs = [objects["ConfigMap", one] for one in sorted(used)]
    # In the ConfigMaps, which win over the container's own variables here.
    for config in configs:
        config["data"] |= {key: settings[key] for key in settings if key in config["data"]}
    configured = {key: value for config in configs for key, value in config["data"].items()}
    fetch["command"] = [
        part.replace("$(MODEL_URI)", configured["MODEL_URI"]).replace(
            "$(MODEL_SHA256)", configured["MODEL_SHA256"]
        )
        for part in fetch["command"]
    ]
    for left_out in ("startupProbe", "readinessProbe", "livenessProbe", "ports"):
        app.pop(left_out, None)
    app["env"] = [one for one in app["env"] if one["name"] not in settings]
    app["env"] += [
        {"name": key, "value": value} for key, value in settings.items() if key not in configured
    ]
    for variable in app["env"]:
        if "valueFrom" in variable:
            variable["valueFrom"]["secretKeyRef"]["name"] = f"keys-{OURS}"
    # A claim is one for all pods, whatever else a pod mounts is its own.
    names = {}
    for volume in spec["volumes"]:
        names[volume["name"]] = f"{volume['name']}-{name}-{OURS}"
        if "persistentVolumeClaim" in volume:
            names[volume["name"]] = f"{volume['name']}-{OURS}"
            volume["persistentVolumeClaim"]["claimName"] = names[volume["name"]]
        if "configMap" in volume:
            config = objects["ConfigMap", volume["configMap"]["name"]]
            config["metadata"]["name"] = volume["configMap"]["name"] = names[volume["name"]]
            configs.append(config)
        volume["name"] = names[volume["name"]]
    for mount in [*fetch["volumeMounts"], *app["volumeMounts"]]:
        mount["name"] = names[mount["name"]]
    return [*configs, workload]


class Played:
    """A pod, from entry to exit.

    Args:
        kind: Deployment, or CronJob.
        name: The workload's name.
        service: The service whose image it has.
        digest: The digest that the release names.
        folder: Where to write what podman plays.
        settings: What is different here.

    Attributes:
        pod: Its name.
        done: How podman took it.
        limit: The memory that its container may have.
    """

    def __init__(  # noqa: PLR0917 - what a pod is made of
        self,
        kind: str,
        name: str,
        service: Service,
        digest: str,
        folder: Path,
        settings: Mapping[str, str],
    ) -> None:
        release = example_release("local")
        text = render(
            "local",
            replace(
                release,
                images={**release.images, service.name: service.image},
                models={
                    **release.models,
                    service.package: Model(f"file:///models/{service.package}", digest),
                },
            ),
        )
        self.pod = f"{name}-{OURS}" + ("-pod-0" if kind == "Deployment" else "")
        objects = as_podman_wants(text, kind, name, settings)
        spec = objects[-1]["spec"]
        [app] = spec.get("template", {"spec": spec})["spec"]["containers"]
        self.limit: str = app["resources"]["limits"]["memory"]
        self._file = folder / "play.yaml"
        self._file.write_text(yaml.safe_dump_all(objects), encoding="utf-8")

    def __enter__(self) -> Self:
        self.done = podman("kube", "play", "--network", "host", str(self._file), check=False)
        return self

    def __exit__(self, *_: object) -> None:
        podman("kube", "down", str(self._file), check=False)

    def inspect(self) -> dict[str, Any]:
        """What podman says of the main container."""
        found: dict[str, Any] = json.loads(podman("inspect", f"{self.pod}-app").stdout)[0]
        return found


class Served(Played):
    """A service's pod.

    Attributes:
        client: An HTTP client for it.
    """

    def __init__(self, service: Service, digest: str, folder: Path) -> None:
        port = free_port()
        here = {"HOST": "127.0.0.1", "PORT": str(port)}
        super().__init__("Deployment", service.package, service, digest, folder, here)
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def __exit__(self, *error: object) -> None:
        self.client.close()
        super().__exit__(*error)

    def ready(self) -> bool:
        """Whether it is ready."""
        try:
            answer = self.client.get("/ready")
        except httpx2.TransportError:
            return False
        assert "refusal" not in answer.json(), answer.text
        return answer.status_code == 200


@pytest.mark.usefixtures("nights")
def test_a_pod_fetches_its_model_answers_and_ends(
    service: Service, digest: str, tmp_path: Path
) -> None:
    with Served(service, digest, tmp_path) as played:
        assert played.done.returncode == 0, played.done.stderr
        wait_until(played.ready, f"{played.pod} is ready")
        for request in service.requests():
            asked = {"json": request["body"]} if "body" in request else {}
            refused = played.client.request(request["method"], request["path"], **asked)
            assert refused.status_code == 401
            answered = played.client.request(
                request["method"], request["path"], headers={"X-API-Key": KEY}, **asked
            )
            assert answered.status_code == request.get("status", 200), answered.text
        info = played.client.get("/model_info", headers={"X-API-Key": KEY}).json()
        assert info["sha256"] == digest

        container = played.inspect()
        assert container["Config"]["User"] == "10001:10001"
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        assert not container["EffectiveCaps"]
        assert played.limit == f"{container['HostConfig']['Memory'] // 2**20}Mi"

        # Drains, finishes and ends by itself, within the grace period of the pod.
        podman("pod", "stop", "--time", "40", played.pod)
        assert played.inspect()["State"]["ExitCode"] == 0


def test_another_model_than_the_release_names_never_starts(
    service: Service, digest: str, tmp_path: Path
) -> None:
    other = hashlib.sha256(digest.encode()).hexdigest()
    with Served(service, other, tmp_path) as played:
        assert "init container" in played.done.stderr
        assert "exited with code" in played.done.stderr
        assert played.inspect()["State"]["Running"] is False
        assert not played.ready()


def test_the_pipelines_nights_make_a_batch_and_leave_it_where_nothing_is_new(
    service: Service, nights: dict[str, str]
) -> None:
    if service.package != "chicagotaxi":
        pytest.skip("this service has no pipeline")
    assert "nothing new" not in nights["3"]
    assert "nothing new, the batch that is there stays" in nights["1"]
