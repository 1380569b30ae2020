"""What the benchmark of serving reads: wrk's output, servers' answers, and rounds."""

import json
import math
import os
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import checks
import pytest
import wrk
from contestants import ROOT, Contestant, Target
from loading import Setting
from results import bare_rows, failed_row, figure, rows_of
from rounds import Measured, Sample, measure, orders
from sustained import sustain
from wrk import Load, Request

ASKED = Request("POST", "/predict?x=1", {"text": "]=] and ]==]"}, {"X-API-Key": "secret"})


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = 200 if self.headers["X-API-Key"] == "secret" else 401
        answer = json.dumps({"asked": body, "type": self.headers["Content-Type"]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def _printed(**changed: float) -> str:
    found = {"requests": 100, "bytes": 5000, "seconds": 1.5, "p50_ms": 2.0, "p99_ms": 9.5}
    shown = json.dumps({**found, "not_200": 0, "failed": 0, **changed})
    return f"Running 1s test\n\nmeasured {shown}\n"


def test_the_result_that_wrk_prints_is_read() -> None:
    assert wrk.parse(_printed()) == Load(
        requests=100, bytes=5000, seconds=1.5, p50_ms=2.0, p99_ms=9.5, not_200=0, failed=0
    )


@pytest.mark.parametrize("name", ["not_200", "failed"])
def test_one_bad_answer_makes_a_measurement_fail(name: str) -> None:
    with pytest.raises(wrk.LoadError, match="of 100 answers were not 200"):
        wrk.parse(_printed(**{name: 1})).check()


def test_no_answer_and_no_output_are_failures() -> None:
    with pytest.raises(wrk.NoAnswerError):
        wrk.parse(_printed(requests=0))
    with pytest.raises(wrk.LoadError, match="printed no result: unable to connect"):
        wrk.parse("unable to connect\n")


def test_the_script_quotes_bodies_and_separates_brackets() -> None:
    text = wrk.script(ASKED)
    assert 'wrk.body = [===[{"text": "]=] and ]==]"}]===]' in text
    # "[[" would begin a string.
    assert "wrk.headers[ [=[X-API-Key]=] ] = [=[secret]=]" in text
    assert "wrk.headers[ [=[Content-Type]=] ] = [=[application/json]=]" in text


def test_a_request_is_sent_with_its_headers_and_body(port: int) -> None:
    assert checks.ask(ASKED, port) == {"asked": ASKED.body, "type": "application/json"}


def test_an_answer_that_is_not_200_is_wrong(port: int) -> None:
    with pytest.raises(checks.WrongAnswerError, match="answered 401"):
        checks.ask(Request("POST", "/", {}, {}), port)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"p": 0.1234561}, {"p": 0.123456}),
        ([{"p": 1}], {"0.p": 1.0}),
        ({"outputs": [{"data": ['{"p": 0.5, "label": "x"}']}]}, {"outputs.0.data.0.label": "x"}),
    ],
)
def test_an_answer_with_the_expected_values_is_right(
    answer: object, expected: dict[str, object]
) -> None:
    checks.check(answer, expected, 1e-5)


@pytest.mark.parametrize(
    "answer", [{"p": 0.12348}, {"p": math.nan}, {"p": None}, {"p": "0.123456"}, {}, []]
)
def test_another_value_is_wrong(answer: object) -> None:
    with pytest.raises(checks.WrongAnswerError):
        checks.check(answer, {"p": 0.123456}, 1e-5)


def test_rounds_begin_with_different_contestants_and_have_all() -> None:
    found = list(orders(7, 3))
    assert [sorted(one) for one in found] == [list(range(7))] * 3
    assert len({one[0] for one in found}) == 3


# Answers every POST with the number that it is started with.
SERVER = """\
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"p": %s}' % sys.argv[2].encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def _contestant(
    tmp_path: Path, code: str, *arguments: str, connections: tuple[int, ...] = (1, 10)
) -> Contestant:
    target = Target("predict", ASKED, {"p": 0.25}, 1e-5, connections, None)
    command = [sys.executable, "-c", code, *arguments]
    return Contestant("Some-Service", "a server", command, {}, [target], tmp_path)


def _setting(tmp_path: Path, **at_200: float) -> Setting:
    """With a stand-in for wrk, which prints the same result each time, but at 200 connections."""
    client = tmp_path / "wrk"
    client.write_text(
        f"""#!/bin/sh
case "$*" in
*"--connections 200"*) cat <<'END'
{_printed(**at_200)}END
;;
*) cat <<'END'
{_printed()}END
esac
"""
    )
    client.chmod(0o755)
    core = min(os.sched_getaffinity(0))
    return Setting(client, core, core, 1, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_is_measured_at_each_number_of_connections(tmp_path: Path) -> None:
    measured = Measured()
    measure(_contestant(tmp_path, SERVER, "{port}", "0.25"), measured, _setting(tmp_path))
    assert measured.failures == {}
    assert set(measured.samples) == {("predict", 1), ("predict", 10)}
    [sample] = measured.samples["predict", 10]
    assert sample.requests_per_s == pytest.approx(100 / 1.5)
    assert (len(measured.ready_s), len(measured.memory_mb)) == (1, 1)
    assert measured.memory_mb[0] > 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_that_does_not_answer_as_the_pipeline_is_not_measured(tmp_path: Path) -> None:
    contestant, measured = _contestant(tmp_path, SERVER, "{port}", "0.26"), Measured()
    measure(contestant, measured, _setting(tmp_path))
    [row] = rows_of(contestant, measured)
    assert row["failed"] == "answered p = 0.26, and the pipeline 0.25"
    assert not measured.samples


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_that_fails_is_reported_with_its_reason_and_not_started_again(
    tmp_path: Path,
) -> None:
    code = "open('starts', 'a').write('x'); print('needs numpy 3'); raise SystemExit(1)"
    contestant, measured = _contestant(tmp_path, code), Measured()
    measure(contestant, measured, _setting(tmp_path))
    measure(contestant, measured, _setting(tmp_path))
    [row] = rows_of(contestant, measured)
    assert row == {
        "service": "Some-Service",
        "workload": "predict",
        "name": "a server",
        "failed": "ended with 1: needs numpy 3",
    }
    assert (tmp_path / "starts").read_text() == "x"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_answers_that_are_shorter_than_before_are_not_measured(tmp_path: Path) -> None:
    contestant = _contestant(tmp_path, SERVER, "{port}", "0.25", connections=(10, 200))
    measured = Measured()
    measure(contestant, measured, _setting(tmp_path, bytes=4000))
    assert set(measured.samples) == {("predict", 10), ("predict", 200)}
    assert measured.samples["predict", 200] == []
    assert measured.failures == {
        ("predict", 200): "answers of 40 bytes on average, and of 50 in the warm-up"
    }


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_minute_with_many_connections_counts_errors(tmp_path: Path) -> None:
    few = _contestant(tmp_path, SERVER, "{port}", "0.25")
    many = _contestant(tmp_path, SERVER, "{port}", "0.25", connections=(10, 200))
    setting = _setting(tmp_path, not_200=3, failed=2)
    assert sustain(few, setting) == []
    [row] = sustain(many, setting)
    assert (row["connections"], row["requests"], row["errors"]) == (200, 100, 5)
    assert min(row["memory_before_mb"], row["memory_after_mb"]) > 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_service_that_fails_with_many_connections_has_a_reason(tmp_path: Path) -> None:
    many = _contestant(tmp_path, SERVER, "{port}", "0.26", connections=(10, 200))
    [row] = sustain(many, _setting(tmp_path))
    assert row["failed"] == "answered p = 0.26, and the pipeline 0.25"


def test_rows_have_medians_and_ranges_and_the_loads_that_failed(tmp_path: Path) -> None:
    contestant = _contestant(tmp_path, "")
    measured = Measured(ready_s=[3.0, 1.0, 2.0], memory_mb=[10.0, 30.0, 20.0])
    for connections in (1, 10):
        measured.samples["predict", connections] = [
            Sample(one, 10.0, 1.0, 2.0) for one in (0.3, 0.1, 0.2)
        ]
    [row] = rows_of(contestant, measured)
    assert row["loads"]["1"]["cpu_ms"] == {"median": 0.2, "lowest": 0.1, "highest": 0.3}
    assert row["ready_s"]["median"] == 2.0
    measured.failures["predict", 1] = "1 of 9 answers were not 200"
    [row] = rows_of(contestant, measured)
    assert row["loads"]["1"] == {"failed": "1 of 9 answers were not 200"}
    assert row["loads"]["10"]["cpu_ms"]["median"] == 0.2


def test_calls_in_process_are_rows_of_their_own() -> None:
    rounds = [{"predict": {"pipeline": {"cpu_ms": one}}} for one in (1.0, 3.0, 2.0)]
    [row] = bare_rows("Some-Service", rounds)
    assert row == {
        "service": "Some-Service",
        "workload": "predict",
        "way": "pipeline",
        "cpu_ms": figure([1.0, 2.0, 3.0]),
    }


def test_a_peer_that_was_not_installed_has_a_row() -> None:
    reason = f"cannot be installed: {ROOT}/bench/x.txt: no wheel"
    row = failed_row("Some-Service", "predict", "Some peer", reason)
    assert row["failed"] == "cannot be installed: bench/x.txt: no wheel"
