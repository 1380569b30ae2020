"""Deploy the services to a kind cluster on this machine: ``make e2e``, ``e2e-logs``, ``e2e-down``.

Trains models on sample data, creates a kind cluster that mounts them where the overlay `local`
expects them, loads the images, applies the rendered manifests, waits, and runs the smoke test
(../release/smoke.py). The cluster keeps running for inspection. Needs docker, kind and kubectl.
"""

import argparse
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

from service_files import ServiceFileError, services

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = "ml-services"
CONTEXT = f"kind-{CLUSTER}"
NAMESPACE = "ml-services"
STATE = ROOT / "reports" / "e2e"
TIMEOUT = "300s"

# A service that serves the output of a CronJob is ready once the job has run. Here the job runs the
# ``prepare`` commands of service.toml on sample data, so that it downloads nothing.
RUNS_FOR_EACH_MODEL = "ml-services/runs-for-each-new-model"
PLACES = {"model": "/model/current", "work": "/data"}


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = {"prepare": prepare, "apply": apply, "logs": logs, "down": down}
    parser.add_argument("command", choices=commands)
    command = parser.parse_args().command
    try:
        commands[command]()
    except ServiceFileError as error:
        sys.exit(f"{error}")


def prepare() -> None:
    """Train the models, create the cluster, load the images and write the release file."""
    models = STATE / "models"
    shutil.rmtree(models, ignore_errors=True)
    models.mkdir(parents=True)
    for one in services(ROOT):
        name = one.package
        train: list[str | Path] = ["train", "--out", models / name]
        train += ["--reports", STATE / "training" / name, *one.demo.get("train", [])]
        python = one.folder / ".venv" / "bin" / "python"
        run(python, "-m", name, *train, cwd=one.folder)
    # The user of the pods is not the owner of the files.
    run("chmod", "-R", "a+rX", models)
    mount = {
        "hostPath": str(models),
        "containerPath": "/var/lib/ml-services/models",
        "readOnly": True,
    }
    cluster = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "extraMounts": [mount]}],
    }
    config = STATE / "kind.json"
    write(config, cluster)
    run("kind", "create", "cluster", "--name", CLUSTER, "--config", config, "--wait", TIMEOUT)
    for one in services(ROOT):
        archive = ROOT / "reports" / "images" / f"{one.image_name}.tar"
        run("kind", "load", "image-archive", archive, "--name", CLUSTER)
    write(STATE / "release.json", release(models))


def apply() -> None:
    """Apply the rendered manifests, wait until the services are healthy, run the smoke test."""
    key = secrets.token_urlsafe(32)
    server_side = ("apply", "--server-side", "-f")
    kubectl(*server_side, ROOT / "deploy/kubernetes/base/namespace.yaml")
    names = [one.package for one in services(ROOT)]
    for name in names:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name}-api-keys", "namespace": NAMESPACE},
            "stringData": {"API_KEYS": key},
        }
        kubectl(*server_side, "-", text=json.dumps(secret))
    kubectl(*server_side, ROOT / "reports" / "kubernetes" / "local.yaml")
    for job in first_jobs():
        kubectl(*server_side, "-", text=json.dumps(job))
        where = f"job/{job['metadata']['name']}"
        kubectl("wait", "--for=condition=complete", where, f"--timeout={TIMEOUT}")
    for name in names:
        kubectl("rollout", "status", f"deployment/{name}", f"--timeout={TIMEOUT}")
    os.environ["SMOKE_API_KEY"] = key
    smoke = ROOT / "deploy" / "release" / "smoke.py"
    run(sys.executable, smoke, "--release", STATE / "release.json", "--context", CONTEXT)


def logs() -> None:
    """Show the objects, events and logs of the cluster, as far as it answers."""
    kubectl("get", "all,pvc,networkpolicies", "-o", "wide", check=False)
    kubectl("describe", "pods", check=False)
    kubectl("get", "events", check=False)
    for one in services(ROOT):
        selector = f"app.kubernetes.io/name={one.package}"
        kubectl("logs", "-l", selector, "--all-containers", "--tail=200", check=False)


def down() -> None:
    """Remove the cluster."""
    run("kind", "delete", "cluster", "--name", CLUSTER)


def first_jobs() -> Iterator[dict[str, Any]]:
    """Jobs of the annotated CronJobs, each with a ``prepare`` command of its service."""
    for cron_job in json.loads(kubectl("get", "cronjobs", "-o", "json", capture=True))["items"]:
        metadata, spec = cron_job["metadata"], cron_job["spec"]["jobTemplate"]["spec"]
        if metadata.get("annotations", {}).get(RUNS_FOR_EACH_MODEL) == "true":
            image = spec["template"]["spec"]["containers"][0]["image"]
            [prepare] = [
                one.demo.get("prepare", [])
                for one in services(ROOT)
                if f"/{one.image_name}:" in image
            ]
            for number, arguments in enumerate(prepare, 1):
                filled = [one.format_map(PLACES) for one in arguments]
                yield job_of(metadata["name"], number, filled)


def job_of(cron_job: str, number: int, arguments: list[str]) -> dict[str, Any]:
    """A job of a CronJob with another command."""
    create = ("create", "job", f"{cron_job}-{number}", f"--from=cronjob/{cron_job}")
    text = kubectl(*create, "--dry-run=client", "-o", "json", capture=True)
    job: dict[str, Any] = json.loads(text)
    # The CronJob would delete a job that it owns.
    job["metadata"].pop("ownerReferences", None)
    (app,) = job["spec"]["template"]["spec"]["containers"]
    app.pop("command", None)
    app["args"] = arguments
    return job


def release(models: Path) -> dict[str, object]:
    """The release file for the images and models on this machine."""
    found = services(ROOT)
    return {
        "images": {one.image_name: f"localhost/{one.image_name}:dev" for one in found},
        "models": {
            name: {
                "uri": f"file:///models/{name}",
                "sha256": hashlib.sha256(
                    (models / name / "manifest.json").read_bytes()
                ).hexdigest(),
            }
            for name in (one.package for one in found)
        },
        "values": {},
    }


def kubectl(
    *arguments: str | Path, text: str | None = None, check: bool = True, capture: bool = False
) -> str:
    """Run kubectl against the kind cluster, whatever the current context is."""
    command = ("kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, *arguments)
    return run(*command, text=text, check=check, capture=capture)


def run(
    *command: str | Path,
    cwd: Path = ROOT,
    text: str | None = None,
    check: bool = True,
    capture: bool = False,
) -> str:
    """Run a program, and return its captured output.

    Raises:
        SystemExit: The program failed; it has printed the reason.
    """
    output = subprocess.PIPE if capture else None
    done = subprocess.run(command, cwd=cwd, input=text, text=True, check=False, stdout=output)  # noqa: S603
    if check and done.returncode != 0:
        sys.exit(f"{Path(command[0]).name} ended with {done.returncode}")
    return done.stdout or ""


def write(path: Path, content: object) -> None:
    """Write a JSON file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
