"""Trains a service on sample data in a folder, and describes its workloads as JSON.

Run in the service's environment: ``prepare.py SERVICE WORK``. Writes ``WORK/workloads.json``.
"""

import json
import sys
from pathlib import Path
from typing import Any

from sample_service import train_in
from servicekit.files import sha256_of_file
from workload import Workload, load, prepare


def main() -> None:
    """Train, and write the description."""
    service, work = map(Path, sys.argv[1:])
    sample = train_in(work, service, tell=_say)
    left_out = prepare(service, work)
    described = {
        "package": sample.package,
        "settings": sample.settings() | _model_settings(sample.model),
        "left_out": left_out,
        "workloads": [_described(one) for one in load(service, work)],
    }
    (work / "workloads.json").write_text(json.dumps(described, indent=2), encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _model_settings(model: Path) -> dict[str, str]:
    return {"MODEL_DIR": str(model), "MODEL_SHA256": sha256_of_file(model / "manifest.json")}


def _described(one: Workload) -> dict[str, Any]:
    return {
        "name": one.name,
        "settings": {} if one.model is None else _model_settings(one.model),
        "method": one.method,
        "path": one.path,
        "body": one.body,
        "expected": dict(one.expected()),
        "tolerance": one.tolerance,
        "connections": one.connections,
        "seconds": one.seconds,
        "peers": one.peers,
        "has_ancestor": one.ancestor is not None,
        "pipeline_file": one.pipeline_file,
        "pipeline_number": one.pipeline_number,
    }


if __name__ == "__main__":
    main()
