"""What pods request is what was measured: `make measure-resources` writes the figures."""

import json
import re
from math import ceil
from typing import Any

import pytest
from clouds import OVERLAY, needs_cloud
from manifests.objects import Container, Manifests, Pod, dig, read_manifests
from manifests.render import OVERLAYS
from manifests.services import deployed_services

STEP_MIB = 128
# A server answers as many requests a second with the CPU it asks for when the autoscaler, which
# aims at 70% of that, adds a pod.
REQUESTS_PER_S = 20
BUSY = 0.7

# The default of the setting of the same name.
SHADOW_CPU_SHARE = 0.1

# What a training has that needs less.
TRAINING_MIB = 1536

SERVICES = {one.package: one for one in deployed_services()}
Measured = dict[str, dict[str, dict[str, float]]]


def measured_of(package: str) -> Measured:
    """The results of a service; the test is skipped where its service.toml measures nothing."""
    service = SERVICES[package]
    file = service.folder / "results/resources.json"
    if not service.measurements and not file.exists():
        pytest.skip(f"{service.name}/service.toml has no measurements")
    found: Measured = json.loads(file.read_bytes())
    return found


JOBS = {
    name: package for package, one in SERVICES.items() for name in one.measurements.get("jobs", {})
}


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, rendered: dict[str, str]) -> Manifests:
    return read_manifests(rendered[request.param], local=request.param == "local")


def app_of(pod: Pod) -> Container:
    """The container that was measured: the one that trains and compares, in a pod that does."""
    found = {one.name: one for one in pod.containers}
    return found.get("challenge", found["app"])


def resources(manifests: Manifests, owner: str) -> dict[str, Any]:
    [pod] = [pod for pod in manifests.pods if pod.owner == owner]
    given: dict[str, Any] = dig(app_of(pod).node, "resources")
    return given


def mebibytes(quantity: str) -> int:
    number, unit = int(quantity[:-2]), quantity[-2:]
    return number * {"Mi": 1, "Gi": 1024}[unit]


def enough(peak: float) -> int:
    """A third more than was measured, in whole steps."""
    return ceil(4 / 3 * peak / STEP_MIB) * STEP_MIB


@needs_cloud
@pytest.mark.parametrize("package", SERVICES)
def test_nothing_that_runs_was_left_out_of_the_measurement(
    rendered: dict[str, str], package: str
) -> None:
    measured, given = measured_of(package), SERVICES[package].measurements
    own = SERVICES[package].image_name
    jobs = {
        pod.name
        for pod in read_manifests(rendered[OVERLAY]).pods
        # Reports take the memory that they are given.
        if pod.kind == "CronJob"
        and re.search(rf"/{own}(-watch)?@", app_of(pod).image)
        and not pod.name.endswith("-report")
    }

    assert measured["servers"].keys() == {package} | given.get("servers", {}).keys()
    assert measured["jobs"].keys() == given.get("jobs", {}).keys() == jobs


@pytest.mark.parametrize("package", SERVICES)
def test_a_server_has_the_memory_that_was_measured_and_a_third_more(
    manifests: Manifests, package: str
) -> None:
    given = resources(manifests, f"Deployment/{package}")
    peak = max(one["memory_peak_mib"] for one in measured_of(package)["servers"].values())

    assert given["requests"]["memory"] == given["limits"]["memory"]
    # Another run measures a little more or less: that is no reason to change a manifest.
    assert enough(peak) <= mebibytes(given["requests"]["memory"]) <= enough(peak) + STEP_MIB


@pytest.mark.parametrize("package", SERVICES)
def test_a_server_has_the_cpu_for_its_requests(manifests: Manifests, package: str) -> None:
    given = resources(manifests, f"Deployment/{package}")["requests"]["cpu"]
    busiest = max(one["cpu_ms_per_request"] for one in measured_of(package)["servers"].values())
    for scaler in (one for _, one in manifests.of("HorizontalPodAutoscaler")):
        [metric] = scaler["spec"]["metrics"]
        assert metric["resource"]["target"]["averageUtilization"] == 100 * BUSY

    assert BUSY * int(given.removesuffix("m")) / busiest >= REQUESTS_PER_S


@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_the_memory_that_was_measured_and_a_third_more(
    manifests: Manifests, job: str
) -> None:
    measured = measured_of(JOBS[job])["jobs"][job]["memory_peak_mib"]
    found = [pod for pod in manifests.pods if pod.owner == f"CronJob/{job}"]
    if not found:
        assert manifests.local, "one machine has no jobs that retrain"
        return
    [pod] = found
    given = resources(manifests, pod.owner)

    assert given["requests"]["memory"] == given["limits"]["memory"]
    least = enough(measured)
    most = max(2 * least, TRAINING_MIB if app_of(pod).name == "challenge" else 0)
    assert least <= mebibytes(given["requests"]["memory"]) <= most


@pytest.mark.parametrize("package", SERVICES)
def test_a_pod_with_a_challenger_has_the_memory_of_a_second_process(
    overlays: dict[str, Manifests], shadowed: dict[str, Manifests], package: str
) -> None:
    measured = measured_of(package)
    for overlay, with_it in shadowed.items():
        for pod in takers(with_it, package):
            if pod.kind == "Deployment":
                # The challenger answers the same requests with the same libraries.
                peak = max(one["memory_peak_mib"] for one in measured["servers"].values())
            else:
                # It opens a model of the same kind and predicts, which a retraining does, too.
                peak = measured["jobs"][f"{package}-retraining"]["memory_peak_mib"]
            before, given = (
                resources(manifests, pod.owner) for manifests in (overlays[overlay], with_it)
            )

            assert given["requests"]["memory"] == given["limits"]["memory"]
            added = mebibytes(given["requests"]["memory"]) - mebibytes(before["requests"]["memory"])
            assert enough(peak) <= added <= enough(peak) + STEP_MIB


@needs_cloud
@pytest.mark.parametrize("package", SERVICES)
def test_a_server_with_a_challenger_requests_the_cpu_that_the_challenger_may_take(
    overlays: dict[str, Manifests], shadowed: dict[str, Manifests], package: str
) -> None:
    # Otherwise the autoscaler would take it for requests, and add pods.
    for pod in takers(shadowed[OVERLAY], package):
        if pod.kind == "Deployment":
            before, given = (
                resources(manifests, pod.owner)["requests"]["cpu"]
                for manifests in (overlays[OVERLAY], shadowed[OVERLAY])
            )
            added = int(given.removesuffix("m")) - int(before.removesuffix("m"))
            assert added == 1000 * SHADOW_CPU_SHARE


def takers(manifests: Manifests, package: str) -> list[Pod]:
    """The pods of a service that take a challenger."""
    image = SERVICES[package].image_name
    found = [one for one in manifests.pods if one.containers[0].name == "fetch-shadow"]
    return [one for one in found if re.search(rf"/{image}[@:]", app_of(one).image)]
