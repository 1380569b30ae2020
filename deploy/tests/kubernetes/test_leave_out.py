"""Services and components that a cluster leaves out."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from manifests.cli import main
from manifests.combinations import example_release
from manifests.deploy import deploy
from manifests.errors import ReleaseError
from manifests.leave_out import optional_names
from manifests.objects import read_manifests
from manifests.release import read_release
from manifests.render import OVERLAYS, render, value_names
from manifests.rules import check
from manifests.services import KUBERNETES

from kubernetes.recording_cluster import RecordingCluster
from kubernetes.test_release import document, write

LEAVE_OUT = ("ChicagoTaxi-Pipeline", "retraining")


def command(file: Path, name: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["leave-out", str(file), name])
    return ended.value.code


def test_every_service_and_what_an_overlay_can_do_without_can_be_left_out() -> None:
    services = {path.parent.name for path in KUBERNETES.parents[1].glob("*/service.toml")}
    assert set(optional_names()) == services | {
        "autoscaling", "disruption-budget", "monitoring", "retraining",
    }  # fmt: skip
    assert set(optional_names("local")) == services


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("names", [LEAVE_OUT[:1], LEAVE_OUT[1:], LEAVE_OUT])
def test_without_them_an_overlay_is_clean_and_deploys(
    kubectl: str, overlay: str, names: tuple[str, ...]
) -> None:
    assert kubectl
    text = render(overlay, example_release(overlay, *names))

    assert check(read_manifests(text, local=overlay == "local")) == []
    cluster = RecordingCluster()
    assert deploy(cluster, text, 5) == 0
    if "ChicagoTaxi-Pipeline" in names:
        # A panel of the dashboard of jobs names it, and stays empty.
        others = [one for one in text.split("\n---\n") if "dashboards" not in one]
        assert not [one for one in others if "chicagotaxi" in one.lower()]
        assert sorted(cluster.names("Deployment")) == ["bankchurn", "nlpinsight"]
        assert not cluster.names("Job")
    if "retraining" in names:
        assert not any("retraining" in name for name in cluster.names("CronJob"))
        assert "training-data" not in text


def test_what_is_not_left_out_stays_as_it_was(rendered: dict[str, str]) -> None:
    whole = {
        (one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(rendered["eks"])
    }
    text = render("eks", example_release("eks", "ChicagoTaxi-Pipeline"))
    rest = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}

    gone = {name for kind, name in whole.keys() - rest.keys()}
    assert all(name.startswith("chicagotaxi") for name in gone)
    changed = {key for key, one in rest.items() if one != whole[key]}
    assert changed == {("Ingress", "ml-services")}
    hosts = [rule["host"] for rule in rest["Ingress", "ml-services"]["spec"]["rules"]]
    assert hosts == ["bankchurn.ml.sample.test", "nlpinsight.ml.sample.test"]


def test_the_command_adds_a_name_once_and_keeps_the_rest_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "clusters" / "gke.toml"
    assert command(file, "retraining") == 0
    text = file.read_text(encoding="utf-8")
    assert text == 'leave_out = ["retraining"]\n'
    file.write_text(text + '# Which models run.\n[values]\nDOMAIN = "d"\n', encoding="utf-8")

    for _ in range(2):
        assert command(file, "ChicagoTaxi-Pipeline") == 0

    assert file.read_text(encoding="utf-8") == (
        'leave_out = ["ChicagoTaxi-Pipeline", "retraining"]\n'
        '# Which models run.\n[values]\nDOMAIN = "d"\n'
    )
    assert [path.name for path in file.parent.iterdir()] == ["gke.toml"]


def test_an_unknown_name_is_refused_with_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path / "gke.toml", "network-policy") == 2

    output = capsys.readouterr().err
    assert "network-policy: unknown; these can be left out: BankChurn-Predictor, Chica" in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["leave_out = [\n", 'leave_out = "x"\n', "[a]\nb = 1\n[a]\n"])
def test_a_file_that_cannot_be_edited_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "gke.toml"
    file.write_text(text, encoding="utf-8")

    assert command(file, "retraining") == 2

    assert "add 'retraining' by hand" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == text


def test_a_release_without_a_service_needs_neither_its_image_nor_its_model(tmp_path: Path) -> None:
    content = document() | {"leave_out": ["ChicagoTaxi-Pipeline"]}
    # What a release and a cluster file still have of it is ignored.
    surplus = read_release(write(tmp_path, content), values=value_names("gke"))
    del content["images"]["chicagotaxi-pipeline"]
    del content["models"]["chicagotaxi"]

    release = read_release(write(tmp_path, content), values=value_names("gke"))

    assert release == surplus == example_release("gke", "ChicagoTaxi-Pipeline")


@pytest.mark.parametrize(
    ("names", "finding"),
    [(["Chicago"], "leave_out: Chicago: unknown; these"), ("retraining", "not a list of names")],
)
def test_a_release_that_leaves_out_what_is_unknown_is_refused(
    tmp_path: Path, names: object, finding: str
) -> None:
    content = document() | {"leave_out": names}
    with pytest.raises(ReleaseError, match=finding):
        read_release(write(tmp_path, content), values=value_names("gke"))


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
    for name in LEAVE_OUT:
        words = ["make", "--silent", "--old-file=deploy/.venv/.installed", "leave-out"]
        subprocess.run([*words, "CLUSTER=eks", f"NAME={name}"], cwd=tree, check=True)
    chosen = tomllib.loads((tree / "deploy/clusters/eks.toml").read_text(encoding="utf-8"))
    release = tmp_path / "release.json"
    release.write_text(json.dumps(document("eks") | chosen), encoding="utf-8")
    out = tmp_path / "eks.yaml"

    with pytest.raises(SystemExit) as ended:
        main(["render", "eks", str(release), "--out", str(out)])

    assert ended.value.code == 0
    assert out.read_text(encoding="utf-8") == render(
        "eks", example_release("eks", *sorted(LEAVE_OUT))
    )
