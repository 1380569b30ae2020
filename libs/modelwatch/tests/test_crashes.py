"""A process that is killed while it records, at twenty random moments."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

import pytest
from arro3.io import read_parquet
from logs import parts
from modelwatch.testing.postgres import PostgresServer

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
from modelwatch.store import open_store

def work(address, recorded):
    log = PredictionLog(open_store(address), SCHEMA, flush_s={flush_s}, warn=print)
    log.start()
    with Path(recorded).open("wb", buffering=0) as file:
        for number in itertools.count():
            file.write(b"p%d %r\\n" % (number, time.time()))
            record(log, number)
            if number % 5 == 0:
                time.sleep(0.05)

addresses = {addresses!r}
for number, address in enumerate(addresses):
    process = os.fork()
    if not process:
        work(address, {recorded!r} + str(number))
    print(process, flush=True)
for _ in addresses:
    os.wait()
"""


class Logs(Protocol):
    """Logs of one kind, which are named by numbers."""

    def address(self, number: int) -> str: ...

    def has_part(self, number: int) -> bool: ...

    def written(self, number: int) -> list[object]:
        """The prediction ids of every part, in their order; reads every part whole."""


class FolderLogs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def address(self, number: int) -> str:
        return str(self._folder / str(number))

    def has_part(self, number: int) -> bool:
        return bool(parts(self._folder / str(number)))

    def written(self, number: int) -> list[object]:
        found: list[object] = []
        for part in parts(self._folder / str(number)):
            # Reads all columns.
            table = read_parquet(part).read_all()
            assert {len(table.column(name)) for name in table.column_names} == {table.num_rows}
            found += table.column("prediction_id").to_pylist()
        return found


class DatabaseLogs:
    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def address(self, number: int) -> str:
        return self._server.address(f"crash{number}")

    def has_part(self, number: int) -> bool:
        if self._server.run(f"select to_regclass('crash{number}.parts')") == [[None]]:
            return False
        return self._server.run(f"select count(*) from crash{number}.parts") != [[0]]  # noqa: S608 - a number

    def written(self, number: int) -> list[object]:
        query = f"select * from crash{number}.predictions order by time"  # noqa: S608 - a number
        with self._server.session() as connection:
            rows = connection.run(query)
            assert connection.columns is not None
            place = [column["name"] for column in connection.columns].index("prediction_id")
        return [row[place] for row in rows]


@pytest.fixture(params=["folder", "database"])
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Logs:
    if request.param == "folder":
        return FolderLogs(tmp_path / "logs")
    return DatabaseLogs(request.getfixturevalue("postgres"))


def test_a_kill_loses_at_most_the_stated_seconds_and_tears_no_part(
    tmp_path: Path, logs: Logs
) -> None:
    program = RECORDERS.format(
        tests=str(Path(__file__).parent),
        addresses=[logs.address(number) for number in range(KILLS)],
        recorded=str(tmp_path / "recorded"),
        flush_s=FLUSH_S,
    )
    moments = random.Random(20)  # noqa: S311 - no secret
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        running = [int(process.stdout.readline()) for _ in range(KILLS)]
        try:
            for number in range(KILLS):
                while not logs.has_part(number):
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
    for number, moment in enumerate(killed):
        lines = (tmp_path / f"recorded{number}").read_text(encoding="utf-8").splitlines()
        recorded = [(name, float(at)) for name, at in map(str.split, lines)]
        found = logs.written(number)
        # Each is there once, in their order, from the first on: only the end is missing.
        assert found == [name for name, _ in recorded[: len(found)]]
        missing = recorded[len(found) :]
        assert all(at > moment - FLUSH_S - SLACK_S for _, at in missing), (moment, missing[0])
