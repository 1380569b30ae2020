"""JSON bodies."""

import json
from collections.abc import Callable
from typing import Annotated

import pytest
from fastapi import APIRouter, Body
from hypothesis import given
from hypothesis import strategies as st
from servicekit import Batch, ServiceRouter, ServiceSettings, ServiceSpec, create_app
from servicekit.errors import DuplicateKeyError, JsonTooComplexError
from servicekit.json_body import MAX_OBJECT_KEYS, parse_json
from servicekit.testing import wait_until
from starlette.testclient import TestClient

LIMIT = 25_000
JSON = {"Content-Type": "application/json"}

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def items(document: object) -> int:
    """The number of values in a document; a document without values counts 0."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        inside = sum(items(one) for one in document)
        # An empty list counts once, as its bracket; every element counts by what comes before it.
        return max(len(document), 1) + inside
    return 0


@given(documents)
def test_any_document_is_read_as_python_reads_it(document: object) -> None:
    text = json.dumps(document).encode()

    assert parse_json(text, max_items=LIMIT) == json.loads(text)


@given(documents, st.booleans())
def test_a_document_is_refused_exactly_where_it_holds_more_values(
    document: object, spaced: bool
) -> None:
    text = json.dumps(document, indent=1 if spaced else None, ensure_ascii=False)
    body = text.encode("utf-8", "surrogatepass")
    size = items(document)
    if size:
        with pytest.raises(JsonTooComplexError):
            parse_json(body, max_items=size - 1)
    try:
        parse_json(body, max_items=size)
    except UnicodeDecodeError:
        assert "\\ud" in repr(text)


def test_commas_and_brackets_in_a_string_are_not_values() -> None:
    body = json.dumps({"text": '[{,"\\' * 50_000}).encode()

    assert parse_json(body, max_items=10) == json.loads(body)


HOSTILE = {
    "empty lists": b"[" + b"[]," * 300_000 + b"[]]",
    "many keys": b"{" + b",".join(b'"%d":1' % n for n in range(80_000)) + b"}",
    "keys of one object": b"{" + b",".join(b'"%d":1' % n for n in range(1_001)) + b"}",
    "deep": b"[" * 20_000,
    "strings": b"[" + b",".join([b'""'] * 300_000) + b"]",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_body_that_costs_too_much_is_refused(body: bytes) -> None:
    with pytest.raises(JsonTooComplexError):
        parse_json(body, max_items=LIMIT)


def test_an_object_of_the_most_keys_is_read() -> None:
    document = {str(number): number for number in range(MAX_OBJECT_KEYS)}

    assert parse_json(json.dumps(document).encode(), max_items=LIMIT) == document


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"x": 1, "x": 2}', "'x'"),
        (b'{"x": 1, "x": 1}', "'x'"),
        (b'{"a": [{"b": 1, "c": 2, "\\u0062": 3}]}', "'b'"),
        (b'{"\\u00e9": 1, "\xc3\xa9": 2}', "'\\xe9'"),
    ],
)
def test_a_key_that_comes_twice_is_named(body: bytes, key: str) -> None:
    with pytest.raises(DuplicateKeyError) as refusal:
        parse_json(body, max_items=LIMIT)
    assert refusal.value.detail == f"The key {key} comes more than once in one object."


@pytest.fixture
def client(start: Callable[..., TestClient]) -> TestClient:
    client = start()
    wait_until(lambda: client.get("/ready").status_code == 200, "it is ready")
    return client


@pytest.mark.parametrize("path", ["/predict", "/predict_batch"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"x": 1, "x": 2}', "duplicate-key"),
        (HOSTILE["empty lists"], "json-too-complex"),
        (HOSTILE["many keys"], "json-too-complex"),
        (HOSTILE["deep"], "json-too-complex"),
    ],
    ids=["twice", "empty lists", "many keys", "deep"],
)
def test_a_service_answers_422_to_json_that_it_does_not_read(
    client: TestClient, path: str, body: bytes, code: str
) -> None:
    response = client.post(path, content=body, headers=JSON)

    assert response.status_code == 422
    assert response.json()["type"] == f"urn:problem-type:{code}"


def test_a_batch_is_validated_up_to_its_first_wrong_row(client: TestClient) -> None:
    rows = [{"x": 1}, {"x": "secret", "y": 1}, *[{"x": "many"}] * 900]
    errors = client.post("/predict_batch", json={"rows": rows}).json()["errors"]

    assert {error["field"] for error in errors} == {"rows.1.x", "rows.1.y"}


def test_an_endpoint_whose_json_is_not_bounded_is_refused() -> None:
    router = APIRouter()

    @router.post("/predict")
    async def predict(x: Annotated[float, Body()]) -> float:
        return x

    with pytest.raises(TypeError, match=r"/predict: take a `ServiceRouter`"):
        create_app(ServiceSettings(), ServiceSpec("s", "S", "1.0.0", "For tests.", router))


@pytest.mark.parametrize("bounded", [False, True])
def test_a_list_without_bounds_is_refused(bounded: bool) -> None:
    router = ServiceRouter()
    body = Body(embed=True, max_length=5) if bounded else Body(embed=True)
    rows = list[float] if bounded else Batch[float]

    async def predict(xs: Annotated[rows, body]) -> None:  # type: ignore[valid-type]
        del xs

    router.post("/predict")(predict)
    with pytest.raises(TypeError, match=r"/predict: xs must be a `Batch` with a `max_length`"):
        create_app(ServiceSettings(), ServiceSpec("s", "S", "1.0.0", "For tests.", router))
