"""A process that is killed while it records, at twenty random moments."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from arro3.io import read_parquet
from logs import parts

FLUSH_S = 0.25
# What a busy machine may add to the stated seconds.
SLACK_S = 2.0
KILLS = 20

# One process imports, and forks those that record. Each records a hundred answers per second, and
# writes each id down before it is recorded, without a buffer that would be lost with the process.
RECORDERS = """
import itertools, os, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from logs import SCHEMA, record
from modelwatch.log import PredictionLog
from modelwatch.store import FolderStore

def work(folder):
    log = PredictionLog(FolderStore(folder / "log"), SCHEMA, flush_s={flush_s}, warn=print)
    log.start()
    with (folder / "recorded").open("wb", buffering=0) as file:
        for number in itertools.count():
            file.write(b"p%d %r\\n" % (number, time.time()))
            record(log, number)
            if number % 5 == 0:
                time.sleep(0.05)

for name in range({kills}):
    folder = Path({folder!r}, str(name))
    folder.mkdir()
    process = os.fork()
    if not process:
        work(folder)
    print(process, flush=True)
for _ in range({kills}):
    os.wait()
"""


def test_a_kill_loses_at_most_the_stated_seconds_and_tears_no_part(tmp_path: Path) -> None:
    program = RECORDERS.format(
        tests=str(Path(__file__).parent), folder=str(tmp_path), flush_s=FLUSH_S, kills=KILLS
    )
    moments = random.Random(20)  # noqa: S311 - no secret
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        running = [int(process.stdout.readline()) for _ in range(KILLS)]
        try:
            for name in range(KILLS):
                while not parts(tmp_path / str(name) / "log"):
                    time.sleep(0.01)
            # Longer than the slack, so that most of what was recorded must be there.
            time.sleep(SLACK_S + FLUSH_S)
            killed = []
            for _ in range(KILLS):
                time.sleep(moments.uniform(0, FLUSH_S))
                os.kill(running.pop(0), signal.SIGKILL)
                killed.append(time.time())
        finally:
            for left in running:
                os.kill(left, signal.SIGKILL)
    for name, moment in enumerate(killed):
        _check(tmp_path / str(name), moment)


def _check(folder: Path, killed: float) -> None:
    lines = (folder / "recorded").read_text(encoding="utf-8").splitlines()
    recorded = [(name, float(moment)) for name, moment in map(str.split, lines)]
    found: list[object] = []
    for part in parts(folder / "log"):
        # Reads all columns.
        table = read_parquet(part).read_all()
        assert {len(table.column(name)) for name in table.column_names} == {table.num_rows}
        found += table.column("prediction_id").to_pylist()
    # Each is there once, in their order, from the first on: only the end is missing.
    assert found == [name for name, _ in recorded[: len(found)]]
    missing = recorded[len(found) :]
    assert all(moment > killed - FLUSH_S - SLACK_S for _, moment in missing), (killed, missing[0])
