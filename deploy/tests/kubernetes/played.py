"""Pods that podman makes from the manifests of the local overlay, of real images."""

import base64
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx2
import pytest
import yaml
from images.containers import free_port, podman, selected, wait_until
from images.services import Service, make_model, readable
from manifests.combinations import example_release
from manifests.objects import Node
from manifests.release import Model
from manifests.render import render
from needed import program

__all__ = ["KEY", "Played", "Served", "cluster_of", "needs_image"]

KEY = "0123456789abcdef" * 4
OURS = uuid4().hex[:8]
"""Ends the names of what is made here: podman's are those of the whole machine."""
JOB_S = 900.0


def needs_image(service: Service) -> None:
    """Skip a test unless the image of its service was built."""
    for name in ("podman", "catatonit"):
        program(name)
    if service.folder not in selected():
        pytest.skip("make test-pods did not build this image")


@contextmanager
def cluster_of(service: Service, folder: Path) -> Iterator[str]:
    """What a cluster has before the deployment: the claims, the models in one, and the Secret.

    Args:
        service: The service.
        folder: Folder for its model.

    Returns:
        The digest of the model.
    """
    # The model alone: what else a service serves, its jobs make.
    model = make_model(replace(service, serve=()), folder)
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
        arguments: What the service's command line is given instead of the pod's command.

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
        arguments: Sequence[str] = (),
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
        if arguments:
            app.pop("command", None)
            app["args"] = list(arguments)
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

    def end(self) -> str:
        """Wait until a job has succeeded, within the restrictions of its pod; what it logged."""
        assert self.done.returncode == 0, self.done.stderr
        wait_until(lambda: not self.inspect()["State"]["Running"], "the job is over", JOB_S)
        logged = podman("logs", f"{self.pod}-app")
        container = self.inspect()
        assert container["State"]["ExitCode"] == 0, logged
        assert container["Config"]["User"] == "10001:10001"
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        assert not container["EffectiveCaps"]
        return logged.stdout + logged.stderr


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
