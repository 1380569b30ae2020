"""Tables of the benchmark of serving, from a results file."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tables

import docs


def _figure(median: float, spread: float = 0.0) -> dict[str, float]:
    return {"median": median, "lowest": median - spread, "highest": median + spread}


def _row(name: str, cpu_ms: float) -> dict[str, Any]:
    load = {
        "cpu_ms": _figure(cpu_ms, cpu_ms / 10),
        "requests_per_s": _figure(1000 / cpu_ms),
        "p50_ms": _figure(50 * cpu_ms),
        "p99_ms": _figure(100 * cpu_ms),
    }
    return {
        "service": "Some-Service",
        "workload": "predict",
        "name": name,
        "ready_s": _figure(2.5),
        "memory_mb": _figure(1234.5),
        "loads": {"1": load, "50": load},
    }


@pytest.fixture(autouse=True)
def _results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    broken = {
        "service": "Some-Service",
        "workload": "predict",
        "name": "A peer, pipeline",
        "failed": "ended with 1:\nno `numpy`",
    }
    crowded = _row("Another peer, pipeline", 1.0)
    crowded["loads"]["50"] = {"failed": "3 of 9 answers were not 200"}
    bare = {
        "service": "Some-Service",
        "workload": "predict",
        "way": "pipeline",
        "cpu_ms": _figure(2.0),
        "requests_per_s": _figure(500.0),
    }
    document = {
        "machine": "2 cores",
        "measured": "2026-11-29",
        "load_of_others": {"before": 1.0, "after": 2.0},
        "client": "wrk 4",
        "rounds": 3,
        "seconds": 1,
        "only": "",
        "peers": {
            "A peer": {"settings": "as by default"},
            "Another peer": {"settings": "two workers", "version": "1.2"},
        },
        "rows": [
            _row("this service", 0.5),
            _row("empty FastAPI endpoint", 0.25),
            broken,
            crowded,
            _row("Another peer, slow", 4.0),
            _row("Another peer, model code", 3.0),
        ],
        "bare": [
            bare,
            bare | {"way": "session", "requests_per_s": _figure(2500.0)},
            bare | {"way": "model_code"},
        ],
        "left_out": {"another": "torch is not installed"},
        "sustained": [
            {
                "service": "Some-Service",
                "workload": "predict",
                "connections": 200,
                "seconds": 60.01,
                "requests": 123456,
                "errors": 7,
                "requests_per_s": 2057.6,
                "p50_ms": 97.0,
                "p99_ms": 140.4,
                "memory_before_mb": 300.2,
                "memory_after_mb": 301.7,
            },
            {
                "service": "Some-Service",
                "workload": "predict",
                "name": "this service",
                "failed": "ended with 1: no `memory`",
            },
        ],
    }
    folder = tmp_path / "Some-Service" / "results"
    folder.mkdir(parents=True)
    (folder / "serving.json").write_text(json.dumps(document), encoding="utf-8")


def test_the_overview_compares_with_the_empty_endpoint_and_has_the_best_way_of_each_peer() -> None:
    lines = tables.overview().splitlines()
    assert lines[0].startswith("| **Some-Service**, `predict` | CPU per request |")
    assert lines[2] == "| this service | 0.5 ms | 2.00 | 2,000 | 25 ms | 50 ms | 25 ms |"
    assert (
        lines[3]
        == "| empty FastAPI endpoint | 0.25 ms | 1.00 | 4,000 | 12.5 ms | 25 ms | 12.5 ms |"
    )
    assert lines[4] == "| A peer, pipeline | failed |  |  |  |  |  |"
    assert (
        lines[5] == "| Another peer, model code | 3 ms | 12.00 | 333 | 150 ms | 300 ms | 150 ms |"
    )
    assert lines[6] == "| the plain pipeline, called in process | 2 ms |  | 500 |  |  |  |"
    assert lines[7] == "| the bare session, called in process | 2 ms |  | 2,500 |  |  |  |"
    assert lines[8].startswith("| the model code, called in process | 2 ms |")
    assert lines[10] == (
        "This service answers 80% as many requests as the bare session."
        " Its model code and an empty endpoint alone would leave 89%."
    )
    assert lines[12] == "`another` is not measured: torch is not installed"


def test_details_have_spreads_and_the_reasons_of_failures() -> None:
    text = tables.details()
    assert "(../../Some-Service/results/serving.svg)" in text
    assert (
        "| this service | 0.5 ms (0.45 to 0.55) | 0.5 ms (0.45 to 0.55) | 2,000 | 2,000 |" in text
    )
    assert "| this service | 25 ms | 25 ms | 50 ms | 50 ms | 1,234 MB | 2.5 s |" in text
    assert "- A peer, pipeline: `ended with 1: no 'numpy'`" in text
    assert "- Another peer, pipeline at 50 connections: `3 of 9 answers were not 200`" in text


def test_a_minute_with_many_connections_is_a_table_with_its_failures() -> None:
    for text in (tables.overview(), tables.details()):
        assert (
            "| Some-Service, `predict` | 123,456 | 7 | 2,058 | 97 ms | 140 ms | 300 MB | 302 MB |"
        ) in text
        assert "| **200 connections for 60 s** | requests | errors |" in text
        assert "- Some-Service: `ended with 1: no 'memory'`" in text


def test_settings_name_peers_that_were_not_installed() -> None:
    assert tables.settings().splitlines()[2:] == [
        "| A peer | not installed | as by default |",
        "| Another peer | 1.2 | two workers |",
    ]


def test_services_of_one_run_share_its_description() -> None:
    folder = docs.ROOT / "Some-Service"
    shutil.copytree(folder, docs.ROOT / "Another-Service")
    assert tables.overview().count("Medians of 3 rounds, 1 s or more") == 1
    (folder / "results" / "serving.json").unlink()
    shutil.rmtree(docs.ROOT / "Another-Service")
    assert tables.overview() == "Nothing is measured yet: `make bench-serving`."
