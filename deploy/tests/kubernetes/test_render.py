import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from clouds import OVERLAY
from manifests.cli import main
from manifests.combinations import example_release, with_shadows
from manifests.composition import compose
from manifests.errors import RenderError
from manifests.leave_out import retraining_images
from manifests.objects import Manifests, read_manifests
from manifests.release import ClusterFile
from manifests.render import CLOUDS, KUBERNETES, OVERLAYS, build, render, value_names
from manifests.rules import check
from manifests.services import REPOSITORY, deployed_services, documents, shadow_workloads

AGAIN = """
import sys
from manifests.combinations import example_release
from manifests.render import render
sys.stdout.write(render(sys.argv[1], example_release(sys.argv[1])))
"""


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_same_release_gives_the_same_bytes(overlay: str, rendered: dict[str, str]) -> None:
    # In a process of its own, so that no order of a set or a dictionary is the same by chance.
    again = subprocess.run(
        [
            sys.executable,
            "-c",
            AGAIN,
            overlay,
        ],
        env={
            "PYTHONPATH": f"{KUBERNETES}:{REPOSITORY / 'tools'}",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert again == rendered[overlay]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_image_is_the_release_s_and_none_floats(
    overlay: str, rendered: dict[str, str]
) -> None:
    images = set(re.findall(r"image: (\S+)", rendered[overlay]))
    assert images == set(example_release(overlay).images.values())
    assert "latest" not in rendered[overlay]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_value_of_the_release_is_used(overlay: str, rendered: dict[str, str]) -> None:
    release = example_release(overlay)
    used = [*release.values.values(), *(one.uri for one in release.models.values())]
    used += [one.sha256 for one in release.models.values()]
    used += [key for one in release.models.values() for key in one.signers]
    used += [one.prediction_log for one in release.models.values() if one.prediction_log]
    assert [value for value in used if value not in rendered[overlay]] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_containers_that_read_a_model_s_digest_are_given_its_signers(
    overlay: str, rendered: dict[str, str]
) -> None:
    release = example_release(overlay)
    manifests = read_manifests(rendered[overlay], local=overlay == "local")
    for name, model in release.models.items():
        [config] = [
            one["metadata"]["name"]
            for _, one in manifests.of("ConfigMap")
            if one["metadata"]["name"].startswith(f"{name}-model-")
            and one["data"].get("MODEL_SIGNERS", "") == ",".join(model.signers)
        ]
        readers = {
            pod.owner: found
            for pod in manifests.pods
            if (
                found := [
                    one.name
                    for one in pod.containers
                    if {"configMapRef": {"name": config}} in one.node.get("envFrom", ())
                ]
            )
        }
        # In each pod, one that fetches and one that opens. Nobody has signed a challenger, which is
        # not refused for that.
        assert f"Deployment/{name}" in readers
        retraining = readers.pop(f"CronJob/{name}-retraining", ["fetch-model"])
        assert retraining == ["fetch-model"]
        assert all(found == ["fetch-model", "app"] for found in readers.values())


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_predicts_is_given_the_log_of_the_release_or_none(
    overlay: str, rendered: dict[str, str]
) -> None:
    models = example_release(overlay).models
    manifests = read_manifests(rendered[overlay], local=overlay == "local")
    configs = {one["metadata"]["name"]: one["data"] for _, one in manifests.of("ConfigMap")}
    for name, model in models.items():
        given = {
            data.get("PREDICTION_LOG", "")
            for config, data in configs.items()
            if config.startswith(f"{name}-model-")
        }
        assert given == {model.prediction_log}
    others = [data for config, data in configs.items() if "-model-" not in config]
    assert not any("PREDICTION_LOG" in data for data in others)
    assert any(model.prediction_log for model in models.values()) == (overlay == OVERLAYS[0])


@pytest.mark.parametrize("overlay", CLOUDS)
def test_a_retraining_has_the_champion_and_the_file_that_a_promotion_changes(
    overlay: str, kubectl: str
) -> None:
    assert kubectl
    # Its end of lines and its names of values are those of the file, not of a rule.
    text = "# The models of a cluster.\r\n[values]\nDOMAIN = 'x'\n"
    example = example_release(overlay)
    file = ClusterFile(f"deploy/clusters/{overlay}.toml", text)
    manifests = read_manifests(render(overlay, replace(example, cluster_file=file)))
    assert check(manifests) == []
    pods = [pod for pod in manifests.pods if pod.name.endswith("-retraining")]
    assert len(pods) == len(retraining_images(()))
    for pod in pods:
        containers = {one.name: one for one in pod.containers}
        names = ["fetch-model", "challenge", "prove", "push", "app"]
        assert list(containers) == names
        model = example.models[pod.name.removesuffix("-retraining")]
        environment = manifests.environment(containers["fetch-model"])
        assert environment["MODEL_URI"] == model.uri
        assert environment["MODEL_SHA256"] == model.sha256
        environment = manifests.environment(containers["app"])
        assert environment["RELEASE_PATH"] == file.path
        # What one writes, the next reads, in a volume of both.
        words = {
            name: [*one.node["command"], *one.node.get("args", [])]
            for name, one in containers.items()
        }
        out = words["challenge"][words["challenge"].index("--out") + 1]
        champion = words["challenge"][words["challenge"].index("--champion") + 1]
        uri = words["push"][-1]
        assert words["fetch-model"][-1] == champion
        assert words["prove"][-1] == words["push"][2] == f"{out}/challenger"
        assert words["app"][2] == out
        assert words["app"][words["app"].index("--uri") + 1] == uri
        # The decision is not below the model: a folder of a model has no other files.
        assert not words["app"][3].startswith(f"{uri}/")
        [volume] = [one for one in pod.spec["volumes"] if "configMap" in one]
        release = manifests.find("ConfigMap", volume["configMap"]["name"])
        assert release is not None
        [mount] = [
            one["mountPath"]
            for one in containers["app"].node["volumeMounts"]
            if one["name"] == volume["name"]
        ]
        given = words["app"][words["app"].index("--release") + 1]
        assert release["data"][given.removeprefix(f"{mount}/")] == text


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_a_model_with_a_log_has_a_report_each_night(
    overlay: str, rendered: dict[str, str]
) -> None:
    models = example_release(overlay).models
    manifests = read_manifests(rendered[overlay], local=overlay == "local")
    reports = {pod.name: pod for pod in manifests.pods if pod.name.endswith("-report")}
    assert reports.keys() == {
        f"{name}-report" for name, one in models.items() if one.prediction_log
    }
    for name, pod in reports.items():
        [app] = [one for one in pod.containers if not one.init]
        environment = manifests.environment(app)
        model = models[name.removesuffix("-report")]
        assert environment["PREDICTION_LOG"] == model.prediction_log
        assert environment["MODEL_SHA256"] == model.sha256
        # The service publishes the metrics of the report there (modelwatch.log.report_metrics).
        command = app.node["command"]
        assert command[command.index("--out") + 1] == "$(PREDICTION_LOG)/reports"
        assert command[command.index("--service") + 1] == name.removesuffix("-report")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_manifests_with_challengers_are_as_sound_as_without(
    overlay: str, shadowed: dict[str, Manifests]
) -> None:
    assert check(shadowed[overlay]) == []


def test_a_challenger_changes_the_workload_that_takes_it_and_nothing_else(
    overlays: dict[str, Manifests], shadowed: dict[str, Manifests]
) -> None:
    # Its models have logs without challengers, too.
    before = overlays[OVERLAYS[0]].objects
    changed = [one for one in shadowed[OVERLAYS[0]].objects if one not in before]
    expected = set()
    for service in deployed_services():
        for model, folder in shadow_workloads(service):
            expected |= {("ConfigMap", f"{model}-shadow")}
            expected |= {
                (one["kind"], one["metadata"]["name"])
                for file in (folder / "shadow").glob("*.yaml")
                for one in documents(file)
                if one["kind"] != "Component"
            }
    assert {
        (one["kind"], re.sub(r"(-shadow)-[0-9a-z]{10}$", r"\1", one["metadata"]["name"]))
        for one in changed
    } == expected
    assert len(changed) == len(expected)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_takes_a_challenger_is_given_its_folder_and_digest(
    overlay: str, shadowed: dict[str, Manifests]
) -> None:
    models = with_shadows(example_release(overlay)).models
    taken = set()
    for pod in shadowed[overlay].pods:
        containers = {one.name: one for one in pod.containers}
        if "fetch-shadow" not in containers:
            assert not [one for one in containers.values() if "SHADOW_MODEL" in str(one.node)]
            continue
        fetch, app = (
            shadowed[overlay].environment(containers[name]) for name in ("fetch-shadow", "app")
        )
        [name] = [one for one, model in models.items() if model.sha256 == app["MODEL_SHA256"]]
        model, shadow = models[name], models[name].shadow
        assert shadow is not None
        assert app["SHADOW_MODEL_DIR"] == "/shadow/current"
        assert app["SHADOW_MODEL_SHA256"] == fetch["SHADOW_MODEL_SHA256"] == shadow.sha256
        assert fetch["SHADOW_MODEL_URI"] == shadow.uri
        assert app["PREDICTION_LOG"] == model.prediction_log != ""
        assert fetch.get("MODEL_SIGNERS", "") == ",".join(model.signers)
        assert containers["fetch-shadow"].image == containers["app"].image
        taken.add(name)
    assert taken == {name for name, model in models.items() if model.shadow}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_overlay_alone_is_not_deployable(overlay: str, kubectl: str, tmp_path: Path) -> None:
    assert kubectl
    findings = check(read_manifests(build(compose(tmp_path) / "overlays" / overlay)))
    output = " ".join(str(one) for one in findings if one.code == "placeholders")
    assert "is not named by its digest" in output
    assert "has no MODEL_SHA256" in output
    if value_names(overlay):
        assert "is empty" in output
        assert "the domain is missing" in output


def test_the_command_writes_what_it_checked(tmp_path: Path, kubectl: str) -> None:
    assert kubectl
    release = tmp_path / "release.toml"
    text = "[images]\n"
    for name, image in example_release(OVERLAY).images.items():
        text += f'{name} = "{image}"\n'
    for name, model in example_release(OVERLAY).models.items():
        text += f'[models.{name}]\nuri = "{model.uri}"\nsha256 = "{model.sha256}"\n'
        text += f"signers = {json.dumps(model.signers)}\n"
        text += f'prediction_log = "{model.prediction_log}"\n'
    text += "[values]\n"
    for name, value in example_release(OVERLAY).values.items():
        text += f'{name} = "{value}"\n'
    release.write_text(text, encoding="utf-8")
    out = tmp_path / "out" / "cluster.yaml"
    with pytest.raises(SystemExit) as ended:
        main(["render", OVERLAY, str(release), "--out", str(out)])
    assert ended.value.code == 0
    expected = example_release(OVERLAY)
    if expected.cluster_file:
        expected = replace(expected, cluster_file=ClusterFile("release.toml", text))
    assert out.read_text(encoding="utf-8") == render(OVERLAY, expected)
    assert [path.name for path in out.parent.iterdir()] == ["cluster.yaml"]


def test_without_kubectl_the_error_has_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL", "no-such-kubectl")
    with pytest.raises(RenderError, match="set KUBECTL"):
        build(KUBERNETES / "base")


def test_autoscaling_beside_canary_does_not_build(tmp_path: Path, kubectl: str) -> None:
    assert kubectl
    folder = compose(tmp_path) / "built"
    folder.mkdir()
    folder.joinpath("kustomization.yaml").write_text(
        "resources: [../base]\ncomponents: [../components/autoscaling, ../components/canary]\n",
        encoding="utf-8",
    )
    with pytest.raises(RenderError, match="may not add resource with an already registered id"):
        build(folder)
