import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

Start = Callable[..., TestClient]


def test_a_well_formed_request_id_is_kept(start: Start) -> None:
    response = start().get("/plain", headers={"X-Request-ID": "abc.DEF-1_2"})
    assert response.headers["x-request-id"] == "abc.DEF-1_2"


@pytest.mark.parametrize("bad", ["", "with space", "é", 'quo"te', "x" * 65, "new\tline"])
def test_any_other_is_replaced(start: Start, bad: str) -> None:
    response = start().get("/plain", headers={b"X-Request-ID": bad.encode()})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


def test_without_one_every_request_gets_its_own(start: Start) -> None:
    client = start()
    assert len({client.get("/plain").headers["x-request-id"] for _ in range(3)}) == 3


def test_an_endpoint_knows_it(start: Start) -> None:
    response = start().get("/id", headers={"X-Request-ID": "abc"})
    assert response.json() == {"id": "abc"}


def test_problems_carry_it(start: Start) -> None:
    response = start().get("/nowhere", headers={"X-Request-ID": "abc"})
    assert response.json()["request_id"] == "abc"
