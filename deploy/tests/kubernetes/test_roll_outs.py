"""After any sequence of rollouts and rollbacks, the release that was applied last runs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from clouds import OVERLAY, needs_cloud
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from manifests import first_batch, rollouts, unused_config
from manifests.deploy import deploy, rollback
from manifests.errors import ManifestsError
from manifests.objects import read_manifests
from manifests.snapshot import NAME, take_snapshot

from kubernetes.recording_cluster import HISTORY, REPLICAS, RecordingCluster, flatten


@dataclass(frozen=True)
class Version:
    """A release, as small as it can be and have everything that goes wrong.

    Attributes:
        image: A bad one does not become healthy.
        model: Which model pods and the pipeline have.
        environment: Variables of the pods.
        arguments: Of the CronJob.
        parameter: Of the storage class, which takes no other one.
        scaled: Whether an autoscaler owns the replicas.
    """

    image: str
    model: str = "m1"
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    parameter: str = "first"
    scaled: bool = True

    @property
    def text(self) -> str:
        return yaml.safe_dump_all(self._objects(), sort_keys=True)

    def _objects(self) -> Iterator[dict[str, Any]]:
        config = f"api-model-{self.model * 5}"
        yield {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "shared"},
            "parameters": {"network": self.parameter},
        }
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": config},
            "data": {"MODEL_SHA256": self.model * 32},
        }
        variables = [
            {"name": name, "value": value} for name, value in sorted(self.environment.items())
        ]
        container = {"name": "app", "image": self.image, "env": variables}
        container["envFrom"] = [{"configMapRef": {"name": config}}]
        spec: dict[str, Any] = {
            "template": {
                "metadata": {"labels": {"app": "api"}},
                "spec": {"containers": [container]},
            }
        }
        if self.scaled:
            target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
            yield {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "api"},
                "spec": {"minReplicas": 2, "maxReplicas": 8, "scaleTargetRef": target},
            }
        else:
            spec["replicas"] = 3
        yield {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "api"},
            "spec": spec,
        }
        job = {"name": "app", "image": self.image, "envFrom": container["envFrom"]}
        job["env"] = [
            {"name": name, "value": value} for name, value in sorted(self.arguments.items())
        ]
        pod = {"metadata": {"labels": {"app": "nightly"}}, "spec": {"containers": [job]}}
        yield {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "nightly", "annotations": {first_batch.ANNOTATION: "true"}},
            "spec": {"jobTemplate": {"spec": {"activeDeadlineSeconds": 10, "template": pod}}},
        }

    @property
    def good(self) -> bool:
        return "bad" not in self.image


def assert_runs(cluster: RecordingCluster, text: str) -> None:
    """Every object of the manifests is in the cluster with exactly its fields."""
    for node in yaml.safe_load_all(text):
        where = (node["kind"], node["metadata"]["name"])
        stated, found = dict(flatten(node)), dict(cluster.objects[where].leaves)
        if where[0] == "Deployment" and REPLICAS not in stated:
            found.pop(REPLICAS)
        assert found == stated, where


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_batch, "_POLL_S", 0)
    monkeypatch.setattr(rollouts, "_POLL_S", 0)


ENVIRONMENTS = st.dictionaries(st.sampled_from("ABC"), st.sampled_from("12"))
VERSIONS = st.builds(
    Version,
    image=st.sampled_from(["v1", "v2", "bad1", "bad2"]),
    model=st.sampled_from(["m1", "m2"]),
    environment=ENVIRONMENTS,
    arguments=ENVIRONMENTS,
    parameter=st.sampled_from(["first", "first", "first", "second"]),
    scaled=st.just(value=True),
)
STEPS = st.lists(
    st.one_of(
        VERSIONS,
        st.just("roll back"),
        st.just("roll back"),
        st.integers(min_value=2, max_value=8),  # the autoscaler has decided
    ),
    min_size=1,
    max_size=10,
)


# Unshrunk: a sequence of ten is read sooner than shrunk.
@settings(max_examples=200, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(STEPS)
def test_what_runs_is_the_last_release_that_was_applied(
    steps: list[Version | str | int],
) -> None:
    cluster = RecordingCluster()
    parameter = applied = rollback_to = None
    healthy, scaled = False, 2
    for step in steps:
        if isinstance(step, Version):
            if healthy:
                rollback_to = applied
            parameter = parameter or step.parameter
            code = deploy(cluster, step.text, 5)
            if step.parameter == parameter:
                applied, healthy = step, step.good
                assert code == (0 if step.good else 1)
            else:
                assert code == 1  # and nothing was applied
        elif isinstance(step, int):
            if applied:
                cluster.scale("api", step)
                scaled = step
        else:
            before = len(cluster.calls)
            code = rollback(cluster, 5)
            calls = [call for call in cluster.calls[before:] if call[0] != "get"]
            if rollback_to is None:
                assert (code, calls) == (2, [])
            elif applied == rollback_to and healthy:
                assert (code, calls) == (0, [])
            else:
                applied, healthy = rollback_to, True
                assert code == 0
        if applied:
            assert_runs(cluster, applied.text)
            assert cluster.node("Deployment", "api")["spec"]["replicas"] == scaled
            assert cluster.batch == (applied.model * 32)[:10]


GOOD = Version("v1", environment={"A": "1"}, arguments={"A": "1"})
BETTER = Version("v2", "m2", environment={"B": "1"}, arguments={"B": "1"})
BAD = Version("bad", "m2", environment={"C": "1"})


def test_a_rollback_removes_variables_that_the_older_version_does_not_have() -> None:
    cluster = RecordingCluster()
    deploy(cluster, GOOD.text, 5)
    assert deploy(cluster, BAD.text, 5) == 1
    assert rollback(cluster, 5) == 0
    assert_runs(cluster, GOOD.text)
    deploy(cluster, BETTER.text, 5)
    assert_runs(cluster, BETTER.text)


def test_fields_of_another_manager_stay() -> None:
    """The effect of `kubectl rollout undo`, and the reason why rollbacks do not use it."""
    cluster = RecordingCluster()
    deploy(cluster, GOOD.text, 5)
    path = (
        "spec",
        "template",
        "spec",
        "containers",
        ("name", "app"),
        "env",
        ("name", "A"),
        "value",
    )
    cluster.objects["Deployment", "api"].update("kubectl", path, "1")

    assert deploy(cluster, BETTER.text, 5) == 0

    assert cluster.objects["Deployment", "api"].leaves[path] == "1"


def test_a_second_rollback_has_nothing_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = RecordingCluster()
    for version in (GOOD, BETTER):
        deploy(cluster, version.text, 5)
    assert rollback(cluster, 5) == 0
    capsys.readouterr()

    assert rollback(cluster, 5) == 0

    assert "Nothing to do" in capsys.readouterr().err
    assert_runs(cluster, GOOD.text)


def test_an_unhealthy_rollback_can_be_retried_and_keeps_its_target() -> None:
    cluster = RecordingCluster()
    for version in (GOOD, BETTER):
        deploy(cluster, version.text, 5)
    cluster.refusing = ("rollout status",)
    assert rollback(cluster, 5) == 1
    cluster.refusing = ()
    assert deploy(cluster, BAD.text, 5) == 1

    assert rollback(cluster, 5) == 0

    assert_runs(cluster, GOOD.text)


def test_a_snapshot_without_a_rollout_leaves_nothing_to_roll_back() -> None:
    """For example if rendering fails: the workflow rolls back after every failure."""
    cluster = RecordingCluster()
    for version in (GOOD, BETTER):
        deploy(cluster, version.text, 5)
    take_snapshot(cluster)

    assert rollback(cluster, 5) == 0

    assert_runs(cluster, BETTER.text)


@pytest.mark.parametrize("call", ["get configmap/", "apply"])
def test_without_a_snapshot_nothing_is_rolled_out(call: str) -> None:
    cluster = RecordingCluster()
    cluster.refusing = (call,)
    with pytest.raises(ManifestsError, match="Forbidden"):
        deploy(cluster, GOOD.text, 5)
    assert not cluster.objects


def test_a_snapshot_that_somebody_changed_is_reported() -> None:
    cluster = RecordingCluster()
    deploy(cluster, GOOD.text, 5)
    cluster.objects["ConfigMap", NAME].update("kubectl-edit", ("data", "applied"), "nonsense")
    with pytest.raises(ManifestsError, match="somebody has changed it"):
        rollback(cluster, 5)


def test_a_parameter_that_cannot_change_is_refused_before_anything_is_applied(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = RecordingCluster()
    deploy(cluster, GOOD.text, 5)

    assert deploy(cluster, Version("v2", parameter="second").text, 5) == 1

    output = capsys.readouterr().err
    assert "updates to parameters are forbidden" in output
    assert "Nothing was applied" in output
    assert "kubectl delete storageclass" in output
    assert_runs(cluster, GOOD.text)


def test_a_first_roll_out_waits_for_the_least_number_of_pods() -> None:
    cluster = RecordingCluster()
    deploy(cluster, GOOD.text, 5)
    [raised] = [i for i, call in enumerate(cluster.calls) if call[0] == "patch"]
    [waited] = [i for i, call in enumerate(cluster.calls) if call[0] == "rollout"]
    assert raised < waited
    assert cluster.node("Deployment", "api")["spec"]["replicas"] == 2


@pytest.mark.parametrize("decided", [0, 2, 5])
def test_a_number_that_an_autoscaler_or_a_person_decided_stays(decided: int) -> None:
    cluster = RecordingCluster()
    deploy(cluster, GOOD.text, 5)
    cluster.scale("api", decided)
    deploy(cluster, BETTER.text, 5)
    assert cluster.node("Deployment", "api")["spec"]["replicas"] == decided


def test_pods_that_cannot_be_raised_fail_the_roll_out() -> None:
    cluster = RecordingCluster()
    cluster.refusing = ("patch",)
    assert deploy(cluster, GOOD.text, 5) == 1


def test_a_manifest_without_an_annotated_cron_job_rolls_out() -> None:
    cluster = RecordingCluster()
    text = GOOD.text.replace(first_batch.ANNOTATION, "other")
    assert deploy(cluster, text, 5) == 0
    assert not cluster.names("Job")


@pytest.mark.parametrize("missing", ["MODEL_SHA256", "activeDeadlineSeconds"])
def test_an_incomplete_annotated_cron_job_is_refused_before_anything_is_applied(
    missing: str,
) -> None:
    cluster = RecordingCluster()
    with pytest.raises(ManifestsError, match="Nothing was applied"):
        deploy(cluster, GOOD.text.replace(missing, "other"), 5)
    assert set(cluster.objects) == {("ConfigMap", NAME)}


def test_a_model_that_returns_makes_its_batch_again() -> None:
    cluster = RecordingCluster()
    for version in (GOOD, BETTER, GOOD):
        assert deploy(cluster, version.text, 5) == 0
        assert cluster.batch == (version.model * 32)[:10]
    assert len(cluster.names("Job")) == 3


def test_a_batch_that_failed_fails_the_roll_out_and_is_made_again_the_next_time() -> None:
    cluster = RecordingCluster()
    cluster.failing_jobs = True
    assert deploy(cluster, GOOD.text, 5) == 1
    assert not any(call[0] == "rollout" for call in cluster.calls)
    cluster.failing_jobs = False
    assert deploy(cluster, GOOD.text, 5) == 0


def test_old_config_is_removed_but_for_the_newest_few_and_what_is_used() -> None:
    cluster = RecordingCluster()
    by_hand = {"kind": "ConfigMap", "metadata": {"name": "api-model-of-my-own"}, "data": {}}
    cluster.ask(
        *("apply", "--server-side", "--force-conflicts", "--field-manager=me", "-f", "-"),
        text=json.dumps(by_hand),
    )
    models = [f"{first}{second}" for first in "abcd" for second in "abcde"]
    for model in models:
        deploy(cluster, Version("v1", model).text, 5)

    # Each of the last six is used by a ReplicaSet that the Deployment keeps.
    newest = models[-HISTORY - unused_config.KEPT :]
    assert sorted(cluster.names("ConfigMap")) == sorted([
        *(f"api-model-{model * 5}" for model in newest), "api-model-of-my-own", NAME,
    ])  # fmt: skip
    assert_runs(cluster, Version("v1", models[-1]).text)


def test_config_that_cannot_be_removed_fails_no_roll_out() -> None:
    cluster = RecordingCluster()
    cluster.refusing = ("delete", "get deployments,replicasets")
    for first in "abcdefghijklmnop":
        assert deploy(cluster, Version("v1", f"{first}x").text, 5) == 0
    assert len(cluster.names("ConfigMap")) == 17


@needs_cloud
def test_the_overlay_of_a_cloud_is_applied_twice_as_once(rendered: dict[str, str]) -> None:
    cluster = RecordingCluster()
    for _ in range(2):
        assert deploy(cluster, rendered[OVERLAY], 5) == 0
        assert_runs(cluster, rendered[OVERLAY])
    annotated = first_batch.first_batches(read_manifests(rendered[OVERLAY]))
    assert len(cluster.names("Job")) == len(annotated)
