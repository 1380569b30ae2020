"""The local overlay, run: podman makes the pods that the manifests describe, of real images."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import service_files
from images.containers import podman, wait_until
from images.services import ROOT, SERVICES, Service, filled
from manifests.first_batch import first_batches
from manifests.objects import read_manifests

from kubernetes.played import KEY, Played, Served, cluster_of, needs_image

pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", params=SERVICES, ids=lambda service: service.package)
def service(request: pytest.FixtureRequest) -> Service:
    """A service whose image was built."""
    found: Service = request.param
    needs_image(found)
    return found


@pytest.fixture(scope="module")
def digest(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster_of(service, tmp_path_factory.mktemp(service.package)) as found:
        yield found


@pytest.fixture(scope="module")
def first_batch(
    service: Service,
    digest: str,
    rendered: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Run the jobs without which the pods are not ready, on generated data, as `make e2e` does."""
    folder = tmp_path_factory.mktemp("batch")
    for batch in first_batches(read_manifests(rendered["local"], local=True)):
        template = batch.cron_job["spec"]["jobTemplate"]["spec"]["template"]
        image = template["spec"]["containers"][0]["image"]
        if f"/{service.name}@" in image:
            prepare = service_files.read_service(ROOT / service.folder).demo["prepare"]
            for arguments in filled(prepare, model="/model/current", work="/data"):
                with Played(
                    "CronJob", batch.name, service, digest, folder, {}, arguments
                ) as played:
                    played.end()


@pytest.mark.usefixtures("first_batch")
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
