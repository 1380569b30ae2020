"""Rollouts without lost requests, disruption budgets, autoscalers and deadlines of jobs."""

from collections.abc import Iterator
from typing import Final

from manifests.objects import Manifests, Node, Pod, Violation, dig, selects

__all__ = ["SPARE_S", "check"]

SPARE_S: Final = 5
"""Seconds for a process to exit after draining and finishing its requests."""


def check(manifests: Manifests) -> Iterator[Violation]:
    """Check every Deployment, budget and autoscaler against each other."""
    for pod in manifests.pods:
        if pod.kind == "Deployment":
            yield from _strategy(manifests, pod)
            yield from _probes(pod)
            yield from _ending(manifests, pod)
    yield from _budgets(manifests)
    yield from _autoscalers(manifests)
    yield from _jobs(manifests)


def _strategy(manifests: Manifests, pod: Pod) -> Iterator[Violation]:
    owner = manifests.find(pod.kind, pod.name) or {}
    strategies = [dig(owner, "spec", "strategy", "rollingUpdate")]
    rollout = manifests.find("Rollout", pod.name)
    if rollout:
        strategies.append(dig(rollout, "spec", "strategy", "canary"))
    for strategy in strategies:
        if strategy.get("maxUnavailable") != 0 or strategy.get("maxSurge") in (None, 0, "0%"):
            yield pod.owner, "needs maxUnavailable: 0 and a maxSurge of at least 1"


def _probes(pod: Pod) -> Iterator[Violation]:
    wanted = {"startupProbe": "/health", "readinessProbe": "/ready", "livenessProbe": "/health"}
    for container in pod.containers:
        if container.init:
            continue
        for probe, path in wanted.items():
            get = dig(container.node, probe, "httpGet")
            if get.get("path") != path:
                yield pod.owner, f"{probe} needs the path {path}, not {get.get('path')}"
            port = get.get("port")
            if port not in container.ports and port not in container.ports.values():
                yield pod.owner, f"{probe} uses the port {port}, which the container does not have"


def _ending(manifests: Manifests, pod: Pod) -> Iterator[Violation]:
    grace = pod.spec.get("terminationGracePeriodSeconds", 30)
    for container in pod.containers:
        settings = manifests.environment(container)
        if "DRAIN_S" in settings and not container.init:
            needed = float(settings["DRAIN_S"]) + float(settings["SHUTDOWN_GRACE_S"]) + SPARE_S
            if grace < needed:
                problem = f"is killed after {grace} s, but may drain and finish for {needed:g} s"
                yield pod.owner, f"{problem}: raise terminationGracePeriodSeconds"


def _minimum(manifests: Manifests, deployment: Node) -> int:
    """The minimum number of pods of a Deployment."""
    name = deployment["metadata"]["name"]
    for _, scaler in manifests.of("HorizontalPodAutoscaler"):
        if dig(scaler, "spec", "scaleTargetRef").get("name") == name:
            return int(scaler["spec"].get("minReplicas", 1))
    return int(deployment["spec"].get("replicas", 1))


def _budgets(manifests: Manifests) -> Iterator[Violation]:
    for where, budget in manifests.of("PodDisruptionBudget"):
        for _, deployment in manifests.of("Deployment"):
            labels = dig(deployment, "spec", "template", "metadata", "labels")
            if not selects(dig(budget, "spec", "selector"), labels):
                continue
            least = _minimum(manifests, deployment)
            kept = int(budget["spec"].get("minAvailable", 0))
            allowed = budget["spec"].get("maxUnavailable", least - kept)
            if least < 2 or not 0 < allowed < least:  # noqa: PLR2004 - one pod cannot be spared
                why = "none blocks every node's drain, all leaves no pod"
                yield where, f"lets {allowed} of {least} go: {why}; allow some of two or more"


def _autoscalers(manifests: Manifests) -> Iterator[Violation]:
    for where, scaler in manifests.of("HorizontalPodAutoscaler"):
        metrics = [dig(metric, "resource").get("name") for metric in scaler["spec"]["metrics"]]
        if metrics != ["cpu"]:
            yield where, f"scales by {metrics}, not by CPU alone"
        target = dig(scaler, "spec", "scaleTargetRef")
        rollout = manifests.find("Rollout", target["name"])
        if rollout and target["kind"] != "Rollout":
            yield where, "scales the Deployment, but the Rollout has the pods"
        for one in (manifests.find(kind, target["name"]) for kind in ("Deployment", "Rollout")):
            if one and "replicas" in one["spec"]:
                message = f"scales {one['kind']}/{target['name']}, whose manifest sets replicas"
                yield where, message
        if not dig(scaler, "spec", "behavior", "scaleDown").get("stabilizationWindowSeconds"):
            yield where, "scales down at once; set stabilizationWindowSeconds"
        if scaler["spec"].get("minReplicas", 1) >= scaler["spec"]["maxReplicas"]:
            yield where, "cannot scale: minReplicas is not below maxReplicas"
    scaled = {
        dig(one, "spec", "scaleTargetRef").get("name")
        for _, one in manifests.of("HorizontalPodAutoscaler")
    }
    for where, rollout in manifests.of("Rollout"):
        if rollout["metadata"]["name"] not in scaled and "replicas" not in rollout["spec"]:
            yield where, "has one pod: it sets no replicas and has no autoscaler"
        if not any(manifests.of("PodMonitor")):
            yield where, "has an analysis but no metrics: add the component monitoring"


def _jobs(manifests: Manifests) -> Iterator[Violation]:
    for where, one in manifests.of("CronJob"):
        if one["spec"].get("concurrencyPolicy") != "Forbid":
            yield where, "may run twice at a time; set concurrencyPolicy: Forbid"
        job = dig(one, "spec", "jobTemplate", "spec")
        if not job.get("activeDeadlineSeconds"):
            yield where, "has no time limit; set activeDeadlineSeconds"
        if not one["spec"].get("suspend") and not one["spec"].get("startingDeadlineSeconds"):
            yield where, "may start at any later time; set startingDeadlineSeconds"
