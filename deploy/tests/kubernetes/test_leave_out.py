"""Services and components that a cluster leaves out."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from clouds import OVERLAY, needs_cloud
from manifests.cli import main
from manifests.combinations import example_release
from manifests.deploy import deploy
from manifests.errors import ReleaseError
from manifests.first_batch import first_batches
from manifests.leave_out import optional_names
from manifests.objects import read_manifests
from manifests.release import read_release
from manifests.render import CLOUDS, OVERLAYS, render, value_names
from manifests.rules import check
from manifests.services import KUBERNETES, deployed_services, models_of

from kubernetes.recording_cluster import RecordingCluster
from kubernetes.test_release import document, write

SERVICES = {one.name: one for one in deployed_services()}
several = pytest.mark.skipif(len(SERVICES) == 1, reason="the only service cannot be left out")


def command(file: Path, name: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["leave-out", str(file), name])
    return ended.value.code


def test_every_service_and_what_an_overlay_can_do_without_can_be_left_out() -> None:
    services = {path.parent.name for path in KUBERNETES.parents[1].glob("*/service.toml")}
    optional = services if len(services) > 1 else set()
    components = {"autoscaling", "disruption-budget", "monitoring", "retraining"}
    assert set(optional_names()) == optional | {"reports"} | (components if CLOUDS else set())
    assert set(optional_names("local")) == optional | {"reports"}


def clean(overlay: str, *names: str) -> RecordingCluster:
    """A cluster with an overlay that names no left-out service, and that breaks no rule."""
    text = render(overlay, example_release(overlay, *names))
    for service in SERVICES.values():
        if service.name in names:
            assert not re.search(rf"\b{service.package}\b", text), service.package
    manifests = read_manifests(text, local=overlay == "local")
    assert check(manifests) == []
    cluster = RecordingCluster()
    assert deploy(cluster, text, 5) == 0
    assert len(cluster.names("Job")) == len(first_batches(manifests))
    return cluster


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_without_retraining_an_overlay_is_clean_and_deploys(kubectl: str, overlay: str) -> None:
    assert kubectl
    cluster = clean(overlay, "retraining")

    assert not any("retraining" in name for name in cluster.names("CronJob"))
    assert "training-data" not in cluster.names("PersistentVolumeClaim")
    assert not any(name.startswith("retraining-") for name in cluster.names("ConfigMap"))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_without_reports_an_overlay_is_clean_and_deploys(kubectl: str, overlay: str) -> None:
    assert kubectl
    cluster = clean(overlay, "reports")

    assert not any(name.endswith("-report") for name in cluster.names("CronJob"))


@several
@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", SERVICES)
def test_without_any_service_an_overlay_is_clean_and_deploys(
    kubectl: str, overlay: str, name: str
) -> None:
    assert kubectl
    for names in ((name,), (name, "retraining")):
        cluster = clean(overlay, *names)

        others = sorted(one.package for one in SERVICES.values() if one.name != name)
        assert sorted(cluster.names("Deployment")) == others
        left = SERVICES[name].package
        assert not [one for _, one in cluster.objects if f"{left}-" in f"{one}-"]


@several
@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", SERVICES)
def test_each_service_deploys_alone(kubectl: str, overlay: str, name: str) -> None:
    assert kubectl
    cluster = clean(overlay, *(other for other in SERVICES if other != name))

    assert cluster.names("Deployment") == [SERVICES[name].package]


def test_the_last_service_cannot_be_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *others, last = SERVICES
    file = tmp_path / "cluster.toml"
    for name in others:
        assert command(file, name) == 0
    before = file.read_bytes() if others else None

    assert command(file, last) == 2

    reason = "every service is left out" if others else "unknown; these can be left out"
    assert reason in capsys.readouterr().err
    assert (file.read_bytes() if file.exists() else None) == before


@needs_cloud
def test_the_command_adds_a_name_once_and_keeps_the_rest_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "clusters" / "cluster.toml"
    assert command(file, "retraining") == 0
    text = file.read_text(encoding="utf-8")
    assert text == 'leave_out = ["retraining"]\n'
    file.write_text(text + '# Which models run.\n[values]\nDOMAIN = "d"\n', encoding="utf-8")

    for _ in range(2):
        assert command(file, "monitoring") == 0

    assert file.read_text(encoding="utf-8") == (
        'leave_out = ["monitoring", "retraining"]\n# Which models run.\n[values]\nDOMAIN = "d"\n'
    )
    assert [path.name for path in file.parent.iterdir()] == ["cluster.toml"]


def test_an_unknown_name_is_refused_with_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path / "cluster.toml", "network-policy") == 2

    output = capsys.readouterr().err
    known = ", ".join(optional_names())
    assert f"network-policy: unknown; these can be left out: {known}" in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["leave_out = [\n", 'leave_out = "x"\n', "[a]\nb = 1\n[a]\n"])
def test_a_file_that_cannot_be_edited_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text(text, encoding="utf-8")

    assert command(file, "retraining") == 2

    assert "add 'retraining' by hand" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == text


@several
@pytest.mark.parametrize("name", SERVICES)
def test_a_release_without_a_service_needs_neither_its_image_nor_its_model(
    tmp_path: Path, name: str
) -> None:
    content = document(example_release(OVERLAY)) | {"leave_out": [name]}
    # What a release and a cluster file still have of it is ignored.
    surplus = read_release(write(tmp_path, content), values=value_names(OVERLAY), overlay=OVERLAY)
    del content["images"][SERVICES[name].image_name]
    for model in models_of(SERVICES[name]):
        del content["models"][model]

    release = read_release(write(tmp_path, content), values=value_names(OVERLAY), overlay=OVERLAY)

    assert release == surplus == example_release(OVERLAY, name)


@pytest.mark.parametrize(
    ("names", "finding"),
    [
        (["No-Service"], "leave_out: No-Service: unknown; these"),
        ("retraining", "not a list of names"),
    ],
)
def test_a_release_that_leaves_out_what_is_unknown_is_refused(
    tmp_path: Path, names: object, finding: str
) -> None:
    content = document(example_release(OVERLAY)) | {"leave_out": names}
    with pytest.raises(ReleaseError, match=finding):
        read_release(write(tmp_path, content), values=value_names(OVERLAY), overlay=OVERLAY)


@needs_cloud
def test_make_leaves_out_and_renders_what_the_cluster_file_says(
    tmp_path: Path, kubectl: str
) -> None:
    """The whole way from the command to checked manifests, in a copy of what make needs."""
    assert kubectl
    repository, tree = KUBERNETES.parents[1], tmp_path / "tree"
    shutil.copytree(
        KUBERNETES.parent, tree / "deploy", ignore=shutil.ignore_patterns(".*", "tests")
    )
    (tree / "deploy/.venv").symlink_to(KUBERNETES.parent / ".venv")
    for file in (repository / "Makefile", *repository.glob("*/service.toml")):
        (tree / file.relative_to(repository)).parent.mkdir(exist_ok=True)
        shutil.copy(file, tree / file.relative_to(repository))
    shutil.copytree(repository / "tools", tree / "tools")
    for service in SERVICES.values():
        shutil.copytree(service.folder / "deploy", tree / service.name / "deploy")
    names = ["retraining", *list(SERVICES)[1:]]
    for name in names:
        words = ["make", "--silent", "--old-file=deploy/.venv/.installed", "leave-out"]
        subprocess.run([*words, f"CLUSTER={OVERLAY}", f"NAME={name}"], cwd=tree, check=True)
    chosen = tomllib.loads((tree / f"deploy/clusters/{OVERLAY}.toml").read_text(encoding="utf-8"))
    release = tmp_path / "release.json"
    release.write_text(json.dumps(document(example_release(OVERLAY)) | chosen), encoding="utf-8")
    out = tmp_path / "cluster.yaml"

    with pytest.raises(SystemExit) as ended:
        main(["render", OVERLAY, str(release), "--out", str(out)])

    assert ended.value.code == 0
    assert out.read_text(encoding="utf-8") == render(
        OVERLAY, example_release(OVERLAY, *sorted(names))
    )
