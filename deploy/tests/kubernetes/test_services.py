"""What the manifests say of the services, asked of the services themselves."""

import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from clouds import OVERLAY, needs_cloud
from manifests.objects import Container, Manifests, Pod, dig
from manifests.render import CLOUDS, OVERLAYS
from manifests.services import REPOSITORY, deployed_services

from kubernetes.asked import (
    APPLICATION,
    FOLDERS,
    ask_service,
    pod_of,
    python_of,
    settings_of,
)

IMAGES = {
    image: one.package
    for one in deployed_services()
    for image in (one.image_name, one.watch_image_name)
}
WATCH_IMAGES = {one.watch_image_name for one in deployed_services()}
INSIDE = re.compile(r"/health|/ready|/metrics|/docs(/.*)?|/openapi\.json")
"""Paths that need no API key, and are not for the public."""


def test_no_service_is_left_out(overlays: dict[str, Manifests]) -> None:
    assert sorted(FOLDERS.values()) == sorted(
        file.parent.name for file in REPOSITORY.glob("*/service.toml")
    )
    for manifests in overlays.values():
        deployed = [pod.name for pod in manifests.pods if pod.kind == "Deployment"]
        assert sorted(deployed) == sorted(FOLDERS)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", FOLDERS)
def test_the_service_takes_the_settings_that_its_pod_gives_it(
    ask: Callable[[str, str], dict[str, Any]],
    overlays: dict[str, Manifests],
    overlay: str,
    service: str,
) -> None:
    answer = ask(overlay, service)
    pod, app = pod_of(overlays[overlay], service)
    given = overlays[overlay].environment(app).keys()
    assert given - set(answer["settings"]) - {"MODEL_URI"} == set(), "nobody reads these"
    assert answer["port"] == app.ports["http"]
    assert pod.spec["terminationGracePeriodSeconds"] >= answer["longest_s"] + 5


@pytest.mark.parametrize("service", FOLDERS)
def test_a_service_with_a_challenger_takes_the_settings_of_the_challenger(
    shadowed: dict[str, Manifests], service: str
) -> None:
    given = settings_of(shadowed[OVERLAY], service)
    if "SHADOW_MODEL_DIR" not in given:
        pytest.skip("this server takes no challenger")
    known = set(ask_service(shadowed[OVERLAY], service)["settings"])
    assert {"SHADOW_MODEL_DIR", "SHADOW_MODEL_SHA256"} <= known
    assert given.keys() - known - {"MODEL_URI"} == set()


def test_a_challenger_that_cannot_be_fetched_does_not_keep_a_pod_from_starting(
    shadowed: dict[str, Manifests], tmp_path: Path
) -> None:
    fetchers = [
        (IMAGES[one.image.partition("@")[0].rpartition("/")[2]], one.node["command"])
        for pod in shadowed[OVERLAY].pods
        for one in pod.containers
        if one.name == "fetch-shadow"
    ]
    if not fetchers:
        pytest.skip("no service takes a challenger")
    for service, [shell, option, script] in fetchers:
        assert {script} == {command[-1] for _, command in fetchers}
        environment = {
            "PATH": f"{python_of(service).parent}:/usr/bin:/bin",
            "SHADOW_MODEL_URI": f"file://{tmp_path}/none",
            "SHADOW_MODEL_SHA256": "3f2c6a9b" * 8,
        }
        done = subprocess.run(
            [shell, option, script.replace("/shadow/", f"{tmp_path}/")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # The reason is that of the address: the options are known.
        assert f"file://{tmp_path}/none" in done.stderr
        assert "The challenger is not fetched" in done.stderr
        assert done.returncode == 0
        assert not (tmp_path / "current").exists()


@needs_cloud
@pytest.mark.parametrize("service", FOLDERS)
def test_the_service_refuses_to_start_where_a_setting_is_unsafe(
    overlays: dict[str, Manifests], service: str
) -> None:
    # That the test above passes says something only if this would not.
    settings = settings_of(overlays[OVERLAY], service)
    del settings["MODEL_SHA256"]
    # Signers would do, too.
    settings.pop("MODEL_SIGNERS", None)
    done = subprocess.run(
        [python_of(service), APPLICATION, service],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "MODEL_SHA256 is not set" in done.stderr


@pytest.mark.parametrize("service", FOLDERS)
def test_every_probe_asks_what_the_service_serves(
    ask: Callable[[str, str], dict[str, Any]], overlays: dict[str, Manifests], service: str
) -> None:
    routes = set(ask(OVERLAY, service)["routes"])
    _, app = pod_of(overlays[OVERLAY], service)
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    assert {dig(app.node, probe, "httpGet")["path"] for probe in probes} <= routes


@needs_cloud
@pytest.mark.parametrize("service", FOLDERS)
def test_prometheus_asks_what_the_service_serves(
    ask: Callable[[str, str], dict[str, Any]], overlays: dict[str, Manifests], service: str
) -> None:
    monitor = overlays[OVERLAY].find("PodMonitor", "ml-services")
    assert monitor is not None
    paths = {one["path"] for one in monitor["spec"]["podMetricsEndpoints"]}
    assert paths <= set(ask(OVERLAY, service)["routes"])


@pytest.mark.parametrize("overlay", CLOUDS)
def test_the_public_reaches_what_is_served_and_nothing_that_needs_no_key(
    ask: Callable[[str, str], dict[str, Any]], overlays: dict[str, Manifests], overlay: str
) -> None:
    public: dict[str, set[str]] = {service: set() for service in FOLDERS}
    for service, path in _public(overlays[overlay]):
        public[service].add(path)
    for service, paths in public.items():
        answer = ask(overlay, service)
        routes = {path for path in answer["routes"] if not INSIDE.fullmatch(path)}
        # servicekit's page leads to the documentation, which is not for the public, either.
        assert paths == routes - ({"/"} if answer["front_page_is_common"] else set()), service


def _public(manifests: Manifests) -> Iterator[tuple[str, str]]:
    for _, route in manifests.of("HTTPRoute"):
        for rule in route["spec"]["rules"]:
            for match in rule.get("matches", []):
                assert match["path"]["type"] == "Exact"
                for backend in rule["backendRefs"]:
                    yield backend["name"], match["path"]["value"]
    for _, ingress in manifests.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                assert path["pathType"] == "Exact"
                yield path["backend"]["service"]["name"], path["path"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_command_of_a_pod_is_one_that_the_image_has(
    overlays: dict[str, Manifests], overlay: str
) -> None:
    """Asked with --help: options that do not exist are refused before it is answered."""
    asked = 0
    for pod in overlays[overlay].pods:
        for container in pod.containers:
            image = container.image.partition("@")[0].rpartition("/")[2]
            service = IMAGES[image]
            if container.node.get("command", [""])[0] == "sh":
                [_, script] = container.node["command"]
                assert Path(script).name in scripts_of(overlays[overlay], pod, container)
                continue  # a test of its service runs it
            python = python_of(service)
            if "command" in container.node:
                program, *arguments = container.node["command"]
                command = ["-m", program, *arguments, *container.node.get("args", [])]
                if program == "modelwatch":
                    # The environment of a service lacks the packages of reports.
                    assert image in WATCH_IMAGES, f"{pod.owner}: {command}"
                    python = REPOSITORY / "libs/modelwatch/.venv/bin/python"
                else:
                    assert program == "modelseal"
            else:
                command = ["-m", service, *container.node["args"]]
            code, output = _help(python, *command)
            assert code == 0, f"{pod.owner}: {command}: {output}"
            asked += 1
    assert asked


def scripts_of(manifests: Manifests, pod: Pod, container: Container) -> set[str]:
    """The files that a container mounts from ConfigMaps."""
    mounted = {one["name"] for one in container.node["volumeMounts"]}
    names = {
        dig(one, "configMap").get("name") for one in pod.spec["volumes"] if one["name"] in mounted
    }
    return {
        file
        for _, config in manifests.of("ConfigMap")
        if config["metadata"]["name"] in names
        for file in config["data"]
    }


@cache
def _help(python: Path, *command: str) -> tuple[int, str]:
    # Asked once: the overlays have most of their commands from one base.
    done = subprocess.run([python, *command, "--help"], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("service", FOLDERS)
def test_retraining_reads_a_table_of_the_name_that_its_job_gives(
    overlays: dict[str, Manifests], service: str, tmp_path: Path
) -> None:
    """A table without its columns: the error is about columns, not about the kind of file."""
    pods = [one for one in overlays[OVERLAY].pods if one.name == f"{service}-retraining"]
    claims = {
        dig(volume, "persistentVolumeClaim").get("claimName")
        for pod in pods
        for volume in pod.spec["volumes"]
    }
    if "training-data" not in claims:
        pytest.skip("this service retrains on no table of the volume training-data")
    [pod] = pods
    [args] = [one.node["args"] for one in pod.containers if one.name == "challenge"]
    data = tmp_path / args[args.index("--data") + 1].removeprefix("/")
    data.parent.mkdir(parents=True)
    if data.suffix == ".parquet":
        write = "import sys, pandas; pandas.DataFrame({'a': [1]}).to_parquet(sys.argv[1])"
        subprocess.run([python_of(service), "-c", write, data], check=True)
    else:
        data.write_text("a\n1\n", encoding="utf-8")
    out = ["--out", str(tmp_path / "model"), "--reports", str(tmp_path / "reports")]
    done = subprocess.run(
        [python_of(service), "-m", service, "train", "--data", data, *out],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "column" in done.stderr
    assert " is neither " not in done.stderr


def test_an_option_that_does_not_exist_is_refused() -> None:
    # What the test above rests on.
    service = next(iter(FOLDERS))
    for words in (f"{service} train --no-such", "modelseal fetch --no"):
        code, _ = _help(python_of(service), "-m", *words.split())
        assert code != 0
