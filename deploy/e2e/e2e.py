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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = "ml-services"
CONTEXT = f"kind-{CLUSTER}"
NAMESPACE = "ml-services"
STATE = ROOT / "reports" / "e2e"
TIMEOUT = "300s"

# Folder of the service, name of its objects.
SERVICES = {
    "BankChurn-Predictor": "bankchurn",
    "NLPInsight-Analyzer": "nlpinsight",
    "ChicagoTaxi-Pipeline": "chicagotaxi",
}
# ChicagoTaxi's API is ready once a night's run has put predictions into its volume. This night is
# short, and of sample trips: it asks nobody else's portal.
NIGHT = "chicagotaxi-pipeline"
SHORT_NIGHT = ["run", "--out", "/data/pipeline", "--model", "/model/current"]
SHORT_NIGHT += ["--reports", "/tmp/reports", "--sample-trips", "100000"]  # noqa: S108 - the pod's


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
    for folder, name in SERVICES.items():
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
    for folder in SERVICES:
        archive = ROOT / "reports" / "images" / f"{folder.lower()}.tar"
        run("kind", "load", "image-archive", archive, "--name", CLUSTER)
    write(STATE / "release.json", release(models))


def apply() -> None:
    """Apply what was rendered, wait, and ask."""
    rendered = ROOT / "reports" / "kubernetes" / "local.yaml"
    key = secrets.token_urlsafe(32)
    kubectl("apply", "--server-side", "-f", ROOT / "deploy/kubernetes/base/namespace.yaml")
    for name in SERVICES.values():
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name}-api-keys", "namespace": NAMESPACE},
            "stringData": {"API_KEYS": key},
        }
        kubectl("apply", "-f", "-", text=json.dumps(secret))
    kubectl("apply", "--server-side", "-f", rendered)
    kubectl("apply", "--server-side", "-f", "-", text=json.dumps(short_night()))
    kubectl(
        "-n", NAMESPACE, "wait", "--for=condition=complete", f"job/{NIGHT}", f"--timeout={TIMEOUT}"
    )
    for name in SERVICES.values():
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
    for name in SERVICES.values():
        selector = ("-l", f"app.kubernetes.io/name={name}", "--all-containers", "--tail=200")
        kubectl("-n", NAMESPACE, "logs", *selector, check=False)


def down() -> None:
    """Remove the cluster."""
    run("kind", "delete", "cluster", "--name", CLUSTER)


def short_night() -> dict[str, Any]:
    """A job like the one that the nightly CronJob starts, with a shorter command."""
    command = ["kubectl", "--context", CONTEXT, "-n", NAMESPACE, "create", "job", NIGHT]
    command += [f"--from=cronjob/{NIGHT}", "--dry-run=client", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    job: dict[str, Any] = json.loads(done.stdout)
    # Made by hand from a CronJob that stays: neither owns the other.
    job["metadata"].pop("ownerReferences", None)
    (app,) = job["spec"]["template"]["spec"]["containers"]
    app.pop("command", None)
    app["args"] = SHORT_NIGHT
    return job


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
        "images": {folder.lower(): f"localhost/{folder.lower()}:dev" for folder in SERVICES},
        "models": {
            name: {
                "uri": f"file:///models/{name}",
                "sha256": hashlib.sha256(
                    (models / name / "manifest.json").read_bytes()
                ).hexdigest(),
            }
            for name in SERVICES.values()
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
