"""That reading large bodies leaves the event loop free for probes."""

import json
import select
from collections.abc import Callable
from contextlib import ExitStack

from servicekit.testing import LiveService, RawConnection

Live = Callable[..., LiveService]


def test_probes_are_answered_between_large_bodies(live: Live) -> None:
    rows = [{"x": 1.0, **{f"unknown {n}": n for n in range(20)}}] * 900
    body = json.dumps({"rows": rows}).encode()
    head = f"POST /predict_batch HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    request = (head + "Content-Type: application/json\r\n\r\n").encode() + body
    with live(max_concurrent_requests=32) as service, ExitStack() as stack:
        service.wait_until_ready()
        batches = [stack.enter_context(RawConnection(service)) for _ in range(32)]
        probe = stack.enter_context(RawConnection(service))
        for batch in batches:
            # All but the last byte: then all are read at once.
            batch.send(request[:-1])
        for batch in batches:
            batch.send(request[-1:])
        probe.send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert probe.receive_response()[0] == 200
        answered_before = select.select(batches, [], [], 0)[0]
        statuses = [batch.receive_response()[0] for batch in batches]

    assert statuses == [422] * 32
    assert len(answered_before) < 16
