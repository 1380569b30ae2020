"""A sealed model that does with each row what the row says, in a shadow."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from modelseal import GoldenSet, Tolerance, seal
from modelwatch.schema import LogSchema
from modelwatch.shadow import Shadow
from modelwatch.shadow.challenger import Challenger
from modelwatch.testing.processes import children_of
from site_packages import SitePackages

SCHEMA = LogSchema(features={"x": "number", "note": "text"}, outputs={"score": "number"})

CODE = """
import json
import os
import signal
import struct
import sys
import threading
import time


class Predictor:
    def __init__(self, factor):
        self.factor = factor

    def replay(self, inputs):
        return {"score": [self.factor * x for x in inputs]}


def load(files):
    return Predictor(json.loads(files["model.json"]))


class Answer:
    def __init__(self, score):
        self.prediction_id = None
        self.warnings = ()
        self.score = score


def score(predictor, row):
    do = row.get("do")
    if do == "raise":
        raise ValueError("no such leaf")
    if do == "abort":
        os.abort()
    if do == "close":
        os.close(int(sys.argv[1]))
        os.kill(os.getpid(), signal.SIGSTOP)
    if do == "close and hang":
        os.close(int(sys.argv[1]))
        threading.Event().wait()
    if do == "hang":
        threading.Event().wait()
    if do == "spin":
        while True:
            pass
    if do == "print":
        os.write(1, b"noise on the standard output")
        print("noise")
    if do == "scribble":
        os.write(int(sys.argv[1]), struct.pack("!i", 1) + b"5")
    if do == "miscount":
        counts = json.dumps({"counts": ["many", 0, 0]}).encode()
        os.write(int(sys.argv[1]), struct.pack("!i", len(counts)) + counts)
    if do == "half":
        os.write(int(sys.argv[1]), struct.pack("!i", 1000))
        threading.Event().wait()
    while do == "flood":
        os.write(int(sys.argv[1]), struct.pack("!i", 2) + b"{}")
    return Answer(predictor.factor * row["x"])


def make(opened):
    return lambda rows: (rows, [score(opened.predictor, row) for row in rows])


def make_none(opened):
    raise TypeError("a model of another service")


def make_fewer(opened):
    return lambda rows: ([], [])
"""


def install(site: Path) -> SitePackages:
    """Install the model's code into a folder of the import path."""
    return SitePackages(site).install(
        "obeying", "1.0.0", {"obeying.py": CODE}, loaders="\nobeying = obeying:load\n"
    )


def seal_model(folder: Path) -> Path:
    """Seal a model that answers three times x."""
    seal(
        folder,
        name="obeying",
        version="1.0.0",
        loader="obeying",
        files={"model.json": json.dumps(3).encode()},
        golden=GoldenSet(
            inputs=(1, 2),
            outputs={"score": (3.0, 6.0)},
            tolerances={"score": Tolerance(absolute=1e-9)},
        ),
        data={},
        metrics={},
        parameters={},
    )
    return folder


class Warnings:
    """Collects warnings."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        self.texts.append(text)


@contextmanager
def shadow_of(
    model: Path,
    log: Path,
    warn: Callable[[str], None],
    *,
    sha256: str | None = None,
    answerer: str = "obeying:make",
    cpu_share: float = 1.0,
    flush_s: float = 0.1,
) -> Iterator[Shadow]:
    """A shadow that runs, and is closed."""
    challenger = Challenger(model, sha256, (), answerer, SCHEMA, str(log), flush_s)
    shadow = Shadow(challenger, cpu_share=cpu_share, warn=warn)
    shadow.start()
    try:
        yield shadow
    finally:
        shadow.close()


def answers(folder: Path) -> dict[str, dict[str, Any]]:
    """The answers of the shadow in a log, by their names, which differ."""
    if not list(folder.glob("shadow/day=*/*.parquet")):
        return {}
    found = duckdb.read_parquet(f"{folder}/shadow/*/*.parquet")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    by_name = {row["prediction_id"]: row for row in rows}
    assert len(by_name) == len(rows)
    return by_name


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for minutes, because the machine may be busy and shadows yield to all others."""
    until = time.monotonic() + 200
    while not holds():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.02)


def children() -> list[int]:
    """The shadows that this process has started, and that run; not the servers of other tests."""
    return [pid for pid in children_of(os.getpid()) if b"modelwatch.shadow" in _command_of(pid)]


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""
