"""Services come with their parts: a repository with services that are made up."""

import shutil
from pathlib import Path

import pytest
import yaml
from manifests.composition import compose
from manifests.errors import ManifestsError, RenderError
from manifests.render import build
from manifests.services import (
    KUBERNETES,
    deployed_services,
    image_names,
    model_names,
    shadow_names,
    shadow_workloads,
)

WORKLOAD = """
apiVersion: v1
kind: Service
metadata:
  name: NAME
spec:
  ports: [{name: http, port: 80}]
"""
KUSTOMIZATION = """
resources: [service.yaml]
configMapGenerator: [{name: NAME-settings, literals: [PORT=1]}, {name: NAME-model}]
"""
SHADOW = """
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
configMapGenerator: [{name: NAME-shadow, literals: [SHADOW_MODEL_SHA256=1]}]
"""
RULE = """
- op: add
  path: /spec/rules/-
  value: {host: NAME.DOMAIN}
"""
SERVICE_FILE = """
package = "NAME"
port = PORT
answers = "the NAME"
[demo]
requests = []
"""


OVERLAY = """
resources: [../../base, ingress.yaml]
components: [../../components/autoscaling, ../../components/monitoring]
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ml-services
spec:
  rules: []
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The shared manifests of this repository, with two other services and overlays."""
    root = tmp_path / "repository"
    for part in ("kubernetes", "monitoring"):
        shutil.copytree(KUBERNETES.parent / part, root / "deploy" / part)
    shutil.rmtree(root / "deploy/kubernetes/overlays")
    for name in ("large", "small"):
        write(root / f"deploy/kubernetes/overlays/{name}/kustomization.yaml", OVERLAY, name)
        write(root / f"deploy/kubernetes/overlays/{name}/ingress.yaml", INGRESS, name)
    for number, name in enumerate(("orders", "trips")):
        own = root / f"{name.title()}-Service"
        write(own / "service.toml", SERVICE_FILE.replace("PORT", str(9001 + number)), name)
        write(own / f"deploy/base/{name}/service.yaml", WORKLOAD, name)
        write(own / f"deploy/base/{name}/kustomization.yaml", KUSTOMIZATION, name)
    return root


def write(file: Path, text: str, name: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.replace("NAME", name), encoding="utf-8")


def objects(folder: Path) -> dict[tuple[str, str], dict[str, object]]:
    return {
        (one["kind"], one["metadata"]["name"].partition("-model-")[0]): one
        for one in yaml.safe_load_all(build(folder))
    }


def test_a_service_is_a_folder_with_a_service_file_and_workloads(repository: Path) -> None:
    write(repository / "Reviews-Service/service.toml", SERVICE_FILE.replace("PORT", "1"), "reviews")

    assert [one.package for one in deployed_services(repository)] == ["orders", "trips"]
    assert image_names(repository) == {
        "orders-service",
        "orders-service-watch",
        "trips-service",
        "trips-service-watch",
    }
    assert model_names(repository) == {"orders", "trips"}


def test_workloads_join_the_base(repository: Path, tmp_path: Path, kubectl: str) -> None:
    assert kubectl
    found = objects(compose(tmp_path / "copy", root=repository) / "base")

    assert {name for kind, name in found if kind == "Service"} == {"orders", "trips"}
    assert ("Namespace", "ml-services") in found


def test_what_is_left_out_is_not_added(repository: Path, tmp_path: Path, kubectl: str) -> None:
    assert kubectl
    names = ("Trips-Service", "monitoring")
    copy = compose(tmp_path / "copy", names, repository)

    assert {name for kind, name in objects(copy / "base") if kind == "Service"} == {"orders"}
    overlay = yaml.safe_load((copy / "overlays/small/kustomization.yaml").read_text("utf-8"))
    assert "../../components/monitoring" not in overlay["components"]
    assert "../../components/autoscaling" in overlay["components"]


def test_parts_join_the_kustomization_of_the_same_path_and_a_list_patches_the_ingress(
    repository: Path, tmp_path: Path, kubectl: str
) -> None:
    assert kubectl
    for name in ("orders", "trips"):
        write(repository / f"{name.title()}-Service/deploy/overlays/large.yaml", RULE, name)
    write(
        repository / "Orders-Service/deploy/overlays/small.yaml",
        WORKLOAD.replace("name: NAME", "name: NAME-extra"),
        "orders",
    )

    copy = compose(tmp_path / "copy", root=repository)

    ingress = objects(copy / "overlays/large")["Ingress", "ml-services"]
    hosts = [{"host": "orders.DOMAIN"}, {"host": "trips.DOMAIN"}]
    assert ingress["spec"]["rules"] == hosts  # type: ignore[index]
    assert ("Service", "orders-extra") in objects(copy / "overlays/small")
    assert ("Service", "orders-extra") not in objects(copy / "overlays/large")


def test_the_workload_with_a_component_takes_the_challenger_of_its_model(
    repository: Path, tmp_path: Path, kubectl: str
) -> None:
    assert kubectl
    base = repository / "Orders-Service/deploy/base"
    write(base / "orders/shadow/kustomization.yaml", SHADOW, "orders")

    assert shadow_names(repository) == {"orders"}
    [service, _] = deployed_services(repository)
    assert list(shadow_workloads(service)) == [("orders", base / "orders")]
    found = {
        shadows: {
            name
            for _, name in objects(
                compose(tmp_path / str(number), (), repository, shadows=shadows) / "base"
            )
        }
        for number, shadows in enumerate(((), ("trips",), ("orders",)))
    }
    assert found[()] == found["trips",]
    [added] = found["orders",] - found[()]
    assert added.startswith("orders-shadow-")


def test_a_part_without_a_kustomization_is_an_error(repository: Path, tmp_path: Path) -> None:
    part = repository / "Orders-Service/deploy/components/autoscalling.yaml"
    write(part, WORKLOAD, "orders")

    with pytest.raises(RenderError) as caught:
        compose(tmp_path / "copy", root=repository)

    assert str(caught.value) == (
        "Orders-Service/deploy/components/autoscalling.yaml: there is no deploy/kubernetes/"
        "components/autoscalling/kustomization.yaml to add it to; name the file after a folder"
        " with one"
    )


def test_a_wrong_service_file_is_an_error(repository: Path, tmp_path: Path) -> None:
    (repository / "Orders-Service/service.toml").write_text("port = 1\n", encoding="utf-8")

    with pytest.raises(ManifestsError, match="package is missing; add it"):
        compose(tmp_path / "copy", root=repository)
