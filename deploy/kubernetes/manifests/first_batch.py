"""Jobs that have to run once for each new model, before the pods that serve their output are ready.

The annotation `ANNOTATION` marks the CronJobs of such jobs.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from manifests.errors import ManifestsError
from manifests.kubectl import Kubectl, say
from manifests.objects import Manifests, Node, dig
from manifests.render import NAMESPACE

__all__ = ["ANNOTATION", "FirstBatch", "first_batches", "run_first_batches"]

ANNOTATION: Final = "ml-services/runs-for-each-new-model"
_CRON_JOB: Final = "ml-services/started-from"
_MODEL: Final = "ml-services/first-batch-of"
_POLL_S = 5
"""Seconds between two polls of a job."""


@dataclass(frozen=True)
class FirstBatch:
    """The first job of a CronJob with a model.

    Attributes:
        cron_job: The CronJob.
        model: The first digits of the digest of the model that its pods use.
        limit_s: Seconds after which Kubernetes ends the job.
    """

    cron_job: Node
    model: str
    limit_s: int

    @property
    def name(self) -> str:
        """The name of its CronJob."""
        return str(self.cron_job["metadata"]["name"])


def first_batches(manifests: Manifests) -> list[FirstBatch]:
    """The first batches of the annotated CronJobs in manifests.

    Raises:
        ManifestsError: A CronJob has no model, or no limit.
    """
    return [
        _first_batch(manifests, where, one)
        for where, one in manifests.of("CronJob")
        if dig(one, "metadata", "annotations").get(ANNOTATION) == "true"
    ]


def _first_batch(manifests: Manifests, where: str, cron_job: Node) -> FirstBatch:
    digests = {
        digest
        for pod in manifests.pods
        if pod.owner == where
        for container in pod.containers
        if (digest := manifests.environment(container).get("MODEL_SHA256"))
    }
    limit_s = dig(cron_job, "spec", "jobTemplate", "spec").get("activeDeadlineSeconds")
    if len(digests) != 1 or not limit_s:
        raise ManifestsError(
            f"{where} has the annotation {ANNOTATION}, which requires one MODEL_SHA256 in the"
            f" environment of its containers and activeDeadlineSeconds; it has {len(digests)} and"
            f" {limit_s}. Nothing was applied"
        )
    return FirstBatch(cron_job, digests.pop()[:10], int(limit_s))


def run_first_batches(kubectl: Kubectl, batches: Sequence[FirstBatch]) -> bool:
    """Run each batch, unless the newest job of its CronJob is of the deployed model.

    A job with the model's label shows that the batch has run or is running. The job has no owner:
    the history limit of a CronJob would delete its jobs, and the next deployment would run the
    batch again. Only the newest job counts, because after a rollback the batch in the cluster is
    that of the version which was rolled back.

    Returns:
        Whether all batches succeeded.
    """
    return all(_run(kubectl, one) for one in batches)


def _run(kubectl: Kubectl, batch: FirstBatch) -> bool:
    listed = kubectl.ask("get", "jobs", "-l", f"{_CRON_JOB}={batch.name}", "-o", "json")
    if listed.returncode != 0:
        say(f"Jobs cannot be listed: {listed.stderr.strip()}")
        return False
    jobs = sorted(json.loads(listed.stdout)["items"], key=_created)
    newest = (
        jobs[-1] if jobs and jobs[-1]["metadata"]["labels"].get(_MODEL) == batch.model else None
    )
    how = _outcome(newest) if newest else "Failed"
    if how == "Complete":
        return True
    # A failed job is kept for inspection.
    job = f"job/{newest['metadata']['name']}" if newest and how is None else ""
    job = job or _start(kubectl, batch)
    return bool(job) and _succeeds(kubectl, job, batch.limit_s)


def _created(job: Node) -> str:
    return str(job["metadata"]["creationTimestamp"])


def _start(kubectl: Kubectl, batch: FirstBatch) -> str:
    """Start a job; its name as kubectl prints it, or an empty string on failure."""
    name, model = batch.name, batch.model
    spec = dict(batch.cron_job["spec"]["jobTemplate"]["spec"])
    spec.pop("ttlSecondsAfterFinished", None)
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "generateName": f"{name}-{model}-",
            "labels": {_CRON_JOB: name, _MODEL: model},
        },
        "spec": spec,
    }
    done = kubectl.ask("create", "-f", "-", "-o", "name", text=json.dumps(job))
    if done.returncode != 0:
        say(f"{name} cannot be started: {done.stderr.strip()}")
    return done.stdout.strip().replace("job.batch/", "job/")


def _succeeds(kubectl: Kubectl, job: str, limit_s: int) -> bool:
    say(f"Waiting for {job}: the first predictions of this model")
    # `kubectl wait` waits for one condition: for a failed job it would wait until the timeout.
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        asked = kubectl.ask("get", job, "-o", "json")
        how = _outcome(json.loads(asked.stdout)) if asked.returncode == 0 else None
        if how == "Complete":
            return True
        if how == "Failed":
            break
        time.sleep(_POLL_S)
    say(f"{job} did not succeed: kubectl -n {NAMESPACE} logs {job} --all-containers")
    return False


def _outcome(job: Node) -> str | None:
    """Complete or Failed; None while the job runs."""
    conditions = job.get("status", {}).get("conditions", [])
    met = {one["type"] for one in conditions if one["status"] == "True"}
    return next((how for how in ("Complete", "Failed") if how in met), None)
