"""The local overlay, run: podman makes the pods that the manifests describe, of real images."""

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx2
import pytest
import yaml
from images.containers import free_port, podman, selected, wait_until
from images.services import SERVICES, Service, make_model
from manifests.combinations import specimen
from manifests.objects import Node
from manifests.release import Model
from manifests.render import render
from needed import program

pytestmark = pytest.mark.images

KEY = "0123456789abcdef" * 4
OURS = uuid4().hex[:8]
"""Ends the names of what is made here: podman's are those of the whole machine."""


@pytest.fixture(scope="module", params=SERVICES[:2], ids=lambda service: service.package)
def service(request: pytest.FixtureRequest) -> Service:
    """A service whose image was built. ChicagoTaxi's needs its pipeline's batch besides."""
    found: Service = request.param
    for name in ("podman", "catatonit"):
        program(name)
    if found.folder not in selected():
        pytest.skip("make test-pods did not build this image")
    return found


@pytest.fixture(scope="module")
def digest(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What a cluster has before the deployment: the claim with the models, and the Secret."""
    model = make_model(service, tmp_path_factory.mktemp(service.package))
    claim, secret = f"models-{OURS}", f"keys-{OURS}"
    podman("volume", "create", claim)
    place = podman("volume", "inspect", claim, "--format", "{{.Mountpoint}}").stdout.strip()
    shutil.copytree(model.folder, Path(place) / service.package)
    for path in Path(place).rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    # This podman wants the form of Kubernetes' data inside a secret of its own.
    data = model.folder.parent / "secret.json"
    data.write_text(json.dumps({"API_KEYS": base64.b64encode(KEY.encode()).decode()}))
    podman("secret", "create", secret, str(data))
    yield model.sha256
    podman("secret", "rm", secret)
    for volume in (claim, f"model-{OURS}", f"tmp-{OURS}"):
        podman("volume", "rm", "--force", volume)


def as_podman_wants(text: str, service: str, port: int) -> list[Node]:
    """The Deployment and its ConfigMaps, less what only a cluster does.

    A pod here shares this machine's network, so that it listens on loopback alone and publishes no
    port. What the kubelet would do is done: variables in a command are filled in, and nothing is
    started again. Probes are left out: podman would run curl inside the image, which has none.
    """
    objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}
    deployment = objects["Deployment", service]
    deployment["metadata"]["name"] = f"{service}-{OURS}"
    spec = deployment["spec"]["template"]["spec"]
    spec["restartPolicy"] = "Never"
    [fetch], [app] = spec["initContainers"], spec["containers"]
    configured: dict[str, str] = {}
    configs = []
    for source in [*fetch["envFrom"], *app["envFrom"]]:
        config = objects["ConfigMap", source["configMapRef"]["name"]]
        configured |= config["data"]
        configs.append(config)
    fetch["command"] = [
        part.replace("$(MODEL_URI)", configured["MODEL_URI"]).replace(
            "$(MODEL_SHA256)", configured["MODEL_SHA256"]
        )
        for part in fetch["command"]
    ]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        del app[probe]
    del app["ports"]
    # In the ConfigMaps, which win over the container's own variables here.
    for config in configs:
        here = {"HOST": "127.0.0.1", "PORT": str(port)}
        config["data"] |= {name: value for name, value in here.items() if name in config["data"]}
    for variable in app["env"]:
        if "valueFrom" in variable:
            variable["valueFrom"]["secretKeyRef"]["name"] = f"keys-{OURS}"
    names = {volume["name"]: f"{volume['name']}-{OURS}" for volume in spec["volumes"]}
    for volume in spec["volumes"]:
        if "persistentVolumeClaim" in volume:
            volume["persistentVolumeClaim"]["claimName"] = names[volume["name"]]
        volume["name"] = names[volume["name"]]
    for mount in [*fetch["volumeMounts"], *app["volumeMounts"]]:
        mount["name"] = names[mount["name"]]
    unique = {config["metadata"]["name"]: config for config in configs}
    return [*unique.values(), deployment]


class Played:
    """A pod of a service, from entry to exit.

    Args:
        service: The service.
        digest: The digest that the release names.
        folder: Where to write what podman plays.

    Attributes:
        pod: Its name.
        done: How podman took it.
        client: An HTTP client for it.
    """

    def __init__(self, service: Service, digest: str, folder: Path) -> None:
        release, port = specimen("local"), free_port()
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
        self.pod = f"{service.package}-{OURS}-pod-0"
        self._file = folder / "play.yaml"
        self._file.write_text(
            yaml.safe_dump_all(as_podman_wants(text, service.package, port)), encoding="utf-8"
        )
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def __enter__(self) -> Self:
        self.done = podman("kube", "play", "--network", "host", str(self._file), check=False)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        podman("kube", "down", str(self._file), check=False)

    def inspect(self) -> dict[str, Any]:
        """What podman says of the service's container."""
        found: dict[str, Any] = json.loads(podman("inspect", f"{self.pod}-app").stdout)[0]
        return found

    def ready(self) -> bool:
        """Whether it is ready."""
        try:
            answer = self.client.get("/ready")
        except httpx2.TransportError:
            return False
        assert "refusal" not in answer.json(), answer.text
        return answer.status_code == 200


def test_a_pod_fetches_its_model_answers_and_ends(
    service: Service, digest: str, tmp_path: Path
) -> None:
    with Played(service, digest, tmp_path) as played:
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
        limits = yaml.safe_load_all(played._file.read_text(encoding="utf-8"))  # noqa: SLF001
        [deployment] = [one for one in limits if one["kind"] == "Deployment"]
        [app] = deployment["spec"]["template"]["spec"]["containers"]
        assert (
            app["resources"]["limits"]["memory"]
            == f"{container['HostConfig']['Memory'] // 2**20}Mi"
        )

        # Drains, finishes and ends by itself, within the grace period of the pod.
        podman("pod", "stop", "--time", "40", played.pod)
        assert played.inspect()["State"]["ExitCode"] == 0


def test_another_model_than_the_release_names_never_starts(
    service: Service, digest: str, tmp_path: Path
) -> None:
    other = hashlib.sha256(digest.encode()).hexdigest()
    with Played(service, other, tmp_path) as played:
        assert "init container" in played.done.stderr
        assert "exited with code" in played.done.stderr
        assert played.inspect()["State"]["Running"] is False
        assert not played.ready()
