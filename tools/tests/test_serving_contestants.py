"""The servers that the benchmark of serving measures."""

from pathlib import Path
from typing import Any

from contestants import EMPTY, OURS, Service, own


def _workload(name: str, **settings: str) -> dict[str, Any]:
    return {
        "name": name,
        "settings": settings,
        "method": "POST",
        "path": "/predict",
        "body": {},
        "expected": {},
        "tolerance": 0.0,
        "connections": [1],
        "seconds": None,
        "has_ancestor": False,
    }


def test_a_service_is_started_for_each_sealed_model(tmp_path: Path) -> None:
    described = {
        "package": "some",
        "settings": {"MODEL_DIR": "/scratch/model", "MODEL_SHA256": "0"},
        "workloads": [
            _workload("predict"),
            _workload("predict, network", MODEL_DIR="/scratch/other", MODEL_SHA256="1"),
            _workload("explain"),
        ],
    }
    first, second, empty = own(Service(tmp_path, tmp_path, described))
    assert [one.workload for one in first.targets] == ["predict", "explain"]
    assert [one.workload for one in second.targets] == ["predict, network"]
    assert (first.name, second.name, empty.name) == (OURS, OURS, EMPTY)
    assert first.environment["MODEL_DIR"] == "/scratch/model"
    assert second.environment["MODEL_DIR"] == "/scratch/other"
    assert second.environment["MODEL_SHA256"] == "1"
    assert [one.workload for one in empty.targets] == ["predict"]
