"""The services in a cluster on this machine: ``make e2e``, ``make e2e-logs``, ``make e2e-down``.

Makes a kind cluster, trains models on sample data, puts them where the overlay `local` mounts them,
loads the images, applies what is rendered, waits, and asks (../release/smoke.py). The cluster is
left, so that one can look at it. Needs docker, kind and kubectl.
"""

import argparse
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = "ml-services"
CONTEXT = f"kind-{CLUSTER}"
NAMESPACE = "ml-services"
STATE = ROOT / "reports" / "e2e"
TIMEOUT = "300s"

# A service that serves the output of a CronJob is ready once the job has run. Here the job runs the
# ``prepare`` commands of demo.toml on sample data, so that it downloads nothing.
RUNS_FOR_EACH_MODEL = "ml-services/runs-for-each-new-model"
PLACES = {"model": "/model/current", "work": "/data"}


def scripts() -> dict[str, dict[str, Any]]:
    """The demo.toml of each service, by its folder."""
    return {
        path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.glob("*/demo.toml"))
    }


def names() -> dict[str, str]:
    """The name of each service's objects, by its folder."""
    return {folder: script["package"] for folder, script in scripts().items()}


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("prepare", "apply", "logs", "down"):
        commands.add_parser(name)
    {"prepare": prepare, "apply": apply, "logs": logs, "down": down}[parser.parse_args().command]()


def prepare() -> None:
    """Models, images, a cluster that has both, and the release file that names them."""
    models = STATE / "models"
    shutil.rmtree(models, ignore_errors=True)
    for folder, name in names().items():
        python = ROOT / folder / ".venv" / "bin" / "python"
        out = models / name
        report = STATE / "training" / name
        run(python, "-m", name, "train", "--out", out, "--reports", report, cwd=ROOT / folder)
    # The pods' user is nobody on this machine.
    run("chmod", "-R", "a+rX", models)
    write(STATE / "kind.json", cluster(models))
    run(
        "kind",
        "create",
        "cluster",
        "--name",
        CLUSTER,
        "--config",
        STATE / "kind.json",
        "--wait",
        TIMEOUT,
    )
    for folder in names():
        archive = ROOT / "reports" / "images" / f"{folder.lower()}.tar"
        run("kind", "load", "image-archive", archive, "--name", CLUSTER)
    write(STATE / "release.json", release(models))


def apply() -> None:
    """Apply what was rendered, wait, and ask."""
    rendered = ROOT / "reports" / "kubernetes" / "local.yaml"
    key = secrets.token_urlsafe(32)
    kubectl("apply", "--server-side", "-f", ROOT / "deploy/kubernetes/base/namespace.yaml")
    for name in names().values():
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name}-api-keys", "namespace": NAMESPACE},
            "stringData": {"API_KEYS": key},
        }
        kubectl("apply", "-f", "-", text=json.dumps(secret))
    kubectl("apply", "--server-side", "-f", rendered)
    for job in first_jobs():
        where = f"job/{job['metadata']['name']}"
        kubectl("apply", "--server-side", "-f", "-", text=json.dumps(job))
        complete = ("--for=condition=complete", where, f"--timeout={TIMEOUT}")
        kubectl("-n", NAMESPACE, "wait", *complete)
    for name in names().values():
        kubectl("-n", NAMESPACE, "rollout", "status", f"deployment/{name}", f"--timeout={TIMEOUT}")
    smoke = ROOT / "deploy" / "release" / "smoke.py"
    os.environ["SMOKE_API_KEY"] = key
    run(sys.executable, smoke, "--release", STATE / "release.json", "--context", CONTEXT)


def logs() -> None:
    """What there is to know after a failure."""
    for what in (
        ("get", "all,pvc,networkpolicies", "-o", "wide"),
        ("describe", "pods"),
        ("get", "events"),
    ):
        kubectl("-n", NAMESPACE, *what, check=False)
    for name in names().values():
        selector = ("-l", f"app.kubernetes.io/name={name}", "--all-containers", "--tail=200")
        kubectl("-n", NAMESPACE, "logs", *selector, check=False)


def down() -> None:
    """Remove the cluster."""
    run("kind", "delete", "cluster", "--name", CLUSTER)


def first_jobs() -> Iterator[dict[str, Any]]:
    """Jobs like those of the annotated CronJobs, each with a command that `make demo` prepares."""
    listed = json.loads(answer("-n", NAMESPACE, "get", "cronjobs", "--output", "json"))
    for cron_job in listed["items"]:
        name = cron_job["metadata"]["name"]
        if cron_job["metadata"].get("annotations", {}).get(RUNS_FOR_EACH_MODEL) != "true":
            continue
        image = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0][
            "image"
        ]
        [prepare] = [
            script.get("prepare", [])
            for folder, script in scripts().items()
            if f"/{folder.lower()}:" in image
        ]
        for number, arguments in enumerate(prepare, 1):
            yield job_of(name, number, [one.format_map(PLACES) for one in arguments])


def job_of(cron_job: str, number: int, arguments: list[str]) -> dict[str, Any]:
    """A job of a CronJob with another command."""
    create = ("create", "job", f"{cron_job}-{number}", f"--from=cronjob/{cron_job}")
    text = answer("-n", NAMESPACE, *create, "--dry-run=client", "--output", "json")
    job: dict[str, Any] = json.loads(text)
    # Made by hand from a CronJob that stays: neither owns the other.
    job["metadata"].pop("ownerReferences", None)
    (app,) = job["spec"]["template"]["spec"]["containers"]
    app.pop("command", None)
    app["args"] = arguments
    return job


def answer(*arguments: str) -> str:
    """What kubectl prints."""
    command = ["kubectl", "--context", CONTEXT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603


def cluster(models: Path) -> dict[str, object]:
    """A node that has the models where the overlay `local` looks for them."""
    mount = {
        "hostPath": str(models),
        "containerPath": "/var/lib/ml-services/models",
        "readOnly": True,
    }
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "extraMounts": [mount]}],
    }


def release(models: Path) -> dict[str, object]:
    """The release file of what is on this machine."""
    return {
        "images": {folder.lower(): f"localhost/{folder.lower()}:dev" for folder in names()},
        "models": {
            name: {
                "uri": f"file:///models/{name}",
                "sha256": hashlib.sha256(
                    (models / name / "manifest.json").read_bytes()
                ).hexdigest(),
            }
            for name in names().values()
        },
        "values": {},
    }


def kubectl(*arguments: str | Path, text: str | None = None, check: bool = True) -> None:
    """Ask the cluster, and no other one."""
    run("kubectl", "--context", CONTEXT, *arguments, text=text, check=check)


def run(
    *command: str | Path, cwd: Path = ROOT, text: str | None = None, check: bool = True
) -> None:
    """Run a program; one that fails ends everything with its own words."""
    done = subprocess.run(command, cwd=cwd, input=text, text=True, check=False)  # noqa: S603
    if check and done.returncode != 0:
        sys.exit(f"{Path(command[0]).name} ended with {done.returncode}")


def write(path: Path, content: object) -> None:
    """A file that a program of these reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
