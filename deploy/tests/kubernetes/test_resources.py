"""What pods request is what was measured: `make measure-resources` writes the figures."""

import json
from math import ceil
from typing import Any

import pytest
from manifests.objects import Container, Manifests, dig, read_manifests
from manifests.render import KUBERNETES, OVERLAYS

MEASURED: dict[str, dict[str, dict[str, float]]] = json.loads(
    (KUBERNETES / "results" / "resources.json").read_bytes()
)
STEP_MIB = 128
# A server answers as many requests a second with the CPU it asks for when the autoscaler, which
# aims at 70% of that, adds a pod.
REQUESTS_PER_S = 20
BUSY = 0.7
SERVERS = {
    "bankchurn": ["bankchurn"],
    "nlpinsight": ["nlpinsight", "nlpinsight-transformer"],
    "chicagotaxi": ["chicagotaxi"],
}
JOBS = {
    "chicagotaxi-pipeline": ("chicagotaxi-pipeline", "app"),
    "bankchurn-retraining": ("bankchurn-retraining", "train"),
    "nlpinsight-retraining": ("nlpinsight-retraining", "train"),
    "chicagotaxi-retraining": ("chicagotaxi-retraining", "train"),
}


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, rendered: dict[str, str]) -> Manifests:
    return read_manifests(rendered[request.param], local=request.param == "local")


def resources(manifests: Manifests, owner: str, container: str) -> dict[str, Any]:
    [pod] = [pod for pod in manifests.pods if pod.owner == owner]
    [found] = [one for one in pod.containers if one.name == container]
    assert isinstance(found, Container)
    given: dict[str, Any] = dig(found.node, "resources")
    return given


def mebibytes(quantity: str) -> int:
    number, unit = int(quantity[:-2]), quantity[-2:]
    return number * {"Mi": 1, "Gi": 1024}[unit]


def enough(peak: float) -> int:
    """A third more than was measured, in whole steps."""
    return ceil(4 / 3 * peak / STEP_MIB) * STEP_MIB


def test_nothing_that_runs_was_left_out_of_the_measurement() -> None:
    assert MEASURED["servers"].keys() == {one for names in SERVERS.values() for one in names}
    assert MEASURED["jobs"].keys() == JOBS.keys()


@pytest.mark.parametrize("service", SERVERS)
def test_a_server_has_the_memory_that_was_measured_and_a_third_more(
    manifests: Manifests, service: str
) -> None:
    given = resources(manifests, f"Deployment/{service}", "app")
    peak = max(MEASURED["servers"][one]["memory_peak_mib"] for one in SERVERS[service])

    assert given["requests"]["memory"] == given["limits"]["memory"]
    # Another run measures a little more or less: that is no reason to change a manifest.
    assert enough(peak) <= mebibytes(given["requests"]["memory"]) <= enough(peak) + STEP_MIB


@pytest.mark.parametrize("service", SERVERS)
def test_a_server_has_the_cpu_for_its_requests(manifests: Manifests, service: str) -> None:
    given = resources(manifests, f"Deployment/{service}", "app")["requests"]["cpu"]
    busiest = max(MEASURED["servers"][one]["cpu_ms_per_request"] for one in SERVERS[service])
    for scaler in (one for _, one in manifests.of("HorizontalPodAutoscaler")):
        [metric] = scaler["spec"]["metrics"]
        assert metric["resource"]["target"]["averageUtilization"] == 100 * BUSY

    assert BUSY * int(given.removesuffix("m")) / busiest >= REQUESTS_PER_S


@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_the_memory_that_was_measured_and_a_third_more(
    manifests: Manifests, job: str
) -> None:
    name, container = JOBS[job]
    if not any(pod.owner == f"CronJob/{name}" for pod in manifests.pods):
        assert manifests.local, "one machine has no jobs that retrain"
        return
    given = resources(manifests, f"CronJob/{name}", container)
    # One step serves all trainings: what the largest needs.
    together = [one for one in JOBS if JOBS[one][1] == container]
    peak = max(MEASURED["jobs"][one]["memory_peak_mib"] for one in together)

    assert given["requests"]["memory"] == given["limits"]["memory"]
    assert enough(peak) <= mebibytes(given["requests"]["memory"]) <= 2 * enough(peak)
