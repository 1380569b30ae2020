"""Rows per second of batches: over HTTP, and from file to file, compared with the bare pipeline."""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pandas as pd
from measuring import run_command, timed
from servicekit.files import sha256_of_file
from servicekit.launch import ServiceProcess

ROUNDS = 9
CUSTOMERS = 1_000

# Whole runs of `predict` are compared, so that the start of the command counts for neither side.
FILE_ROUNDS = 3
FEW, MANY = 1_000, 101_000

_NOT_FEATURES = {"RowNumber", "CustomerId", "Surname", "Exited"}


def over_http(pipeline: Any, model: Path, folder: Path) -> dict[str, float]:  # noqa: ANN401
    """A batch of one request, and the same rows as one table given to the pipeline."""
    table = pd.read_csv(_generate(folder, CUSTOMERS))
    table = table[[name for name in table if name not in _NOT_FEATURES]]
    body = f'{{"customers": {table.to_json(orient="records")}}}'
    settings = {
        "MODEL_DIR": model,
        "MODEL_SHA256": sha256_of_file(model / "manifest.json"),
    }
    ours, cpu, theirs, theirs_cpu = [], [], [], []
    command = [sys.executable, "-m", "bankchurn", "serve"]
    with ServiceProcess(command, settings) as service:
        service.wait_until_ready()
        with httpx2.Client(base_url=service.url, timeout=60) as client:
            for _ in range(ROUNDS):
                before = _cpu_seconds(service.pid)
                seconds, answer = timed(lambda: _post(client, body))
                cpu.append(_cpu_seconds(service.pid) - before)
                ours.append(seconds)
                began = time.process_time()
                theirs.append(timed(lambda: pipeline.predict_proba(table))[0])
                theirs_cpu.append(time.process_time() - began)
        found = [one["churn_probability"] for one in answer["predictions"]]
        gap = abs(pipeline.predict_proba(table)[:, 1] - found).max()
    return {
        "rows": CUSTOMERS,
        "rows_per_s": CUSTOMERS / statistics.median(ours),
        "cpu_us_per_row": statistics.fmean(cpu) / CUSTOMERS * 1e6,
        "pipeline_rows_per_s": CUSTOMERS / statistics.median(theirs),
        "pipeline_cpu_us_per_row": statistics.fmean(theirs_cpu) / CUSTOMERS * 1e6,
        "largest_difference": float(gap),
    }


def of_files(pipeline: Any, model: Path, folder: Path) -> dict[str, Any]:  # noqa: ANN401
    """`bankchurn predict`, and the pipeline between pandas' reader and writer."""
    few, many = _generate(folder, FEW), _generate(folder, MANY)
    out = folder / "out.csv"

    def command(source: Path) -> Any:  # noqa: ANN401
        return run_command("bankchurn", "predict", source, out, "--model", model)

    def bare() -> None:
        table = pd.read_csv(many)
        table["churn_probability"] = pipeline.predict_proba(table)[:, 1]
        table.to_csv(folder / "bare.csv", index=False)

    ours, cpu, theirs, theirs_cpu = [], [], [], []
    for _ in range(FILE_ROUNDS):
        start, start_cpu = _child_timed(lambda: command(few))
        whole, whole_cpu = _child_timed(lambda: command(many))
        ours.append(whole - start)
        cpu.append(whole_cpu - start_cpu)
        began = time.process_time()
        theirs.append(timed(bare)[0])
        theirs_cpu.append(time.process_time() - began)
    rows = MANY - FEW
    return {
        "rows": rows,
        "rows_per_s": rows / statistics.median(ours),
        "cpu_us_per_row": statistics.median(cpu) / rows * 1e6,
        "cores_used": statistics.median(cpu) / statistics.median(ours),
        "pipeline_rows_per_s": MANY / statistics.median(theirs),
        "pipeline_cpu_us_per_row": statistics.median(theirs_cpu) / MANY * 1e6,
    }


def _generate(folder: Path, rows: int) -> Path:
    path = folder / f"{rows}.csv"
    if not path.exists():
        run_command("bankchurn", "generate", path, "--rows", rows)
    return path


def _post(client: httpx2.Client, body: str) -> Any:  # noqa: ANN401
    response = client.post(
        "/predict_batch", content=body, headers={"content-type": "application/json"}
    )
    response.raise_for_status()
    return json.loads(response.content)


def _child_timed(work: Callable[[], Any]) -> tuple[float, float]:
    """The wall and CPU seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, _ = timed(work)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def _cpu_seconds(pid: int) -> float:
    """The CPU time of a process, in its own code and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
