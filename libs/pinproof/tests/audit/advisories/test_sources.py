"""Both sources, against servers that answer in their form, or wrongly."""

import json
from collections.abc import Callable, Mapping

import pytest
from audit_samples import AFFECTING, DJANGO, IDENTIFIERS, JINJA, PY
from packaging.version import Version
from pinproof.audit.advisories import Advisory, AdvisoryError, OsvSource, PypiSource
from pinproof.audit.concurrent_map import silent
from pinproof.audit.http_client import Client, WebError
from servers import CANARY, Answering, Asked, Reply, documents, osv_of, serving

CLIENT = Client(attempts=1, deadline_s=5)
Change = Callable[[Asked], Reply | None]


def osv(name: str, *versions: str, change: Change = lambda _: None,
        published: Mapping[str, Mapping[str, object]] | None = None,
        affecting: Mapping[str, list[str]] = AFFECTING) -> tuple[Advisory, ...]:  # fmt: skip
    whole = osv_of(documents(*IDENTIFIERS) | dict(published or {}), affecting)
    with serving(lambda asked: change(asked) or whole(asked)) as url:
        source = OsvSource(url, CLIENT)
        return source.advisories_for({name: set(map(Version, versions))}, silent)[name]


def made_up(**affected: object) -> dict[str, dict[str, object]]:
    package = {"ecosystem": "PyPI", "name": "A"}
    return {"X-1": {"id": "X-1", "affected": [{"package": package, **affected}]}}


def ranges(*events: Mapping[str, str], kind: str = "ECOSYSTEM") -> list[dict[str, object]]:
    return [{"type": kind, "events": list(events)}]


def affected(advisories: tuple[Advisory, ...], *versions: str) -> list[str]:
    return [text for text in versions if any(one.affects(Version(text)) for one in advisories)]


def test_a_release_without_advisories_has_none() -> None:
    assert osv("django", "5.1.5") == ()


def test_several_branches_are_evaluated() -> None:
    (advisory,) = osv("django", "5.1.4")

    assert advisory.names == ("CVE-2024-56374", DJANGO, "PYSEC-2025-1")
    assert list(map(str, advisory.fixes)) == ["4.2.18", "5.0.11", "5.1.5"]
    assert affected((advisory,), "4.1", "4.2.17", "4.2.18", "5.0.10", "5.0.11", "5.1.4", "5.2") == [
        "4.2.17", "5.0.10", "5.1.4"]  # fmt: skip


def test_records_of_one_vulnerability_are_one_advisory() -> None:
    (advisory,) = osv("jinja2", "2.10")

    assert [record.id for record in advisory.records] == JINJA
    assert advisory.names == ("CVE-2019-10906", *JINJA)
    assert advisory.severity == "HIGH"


def test_an_advisory_without_a_fix_affects_what_follows_too() -> None:
    (advisory,) = osv("py", "1.11.0")

    assert PY in advisory.names
    assert affected((advisory,), "1.11.0", "2.0") == ["1.11.0", "2.0"]
    assert advisory.summary.startswith("The py library through 1.11.0")


def test_a_build_of_a_release_is_that_release() -> None:
    document = made_up(ranges=ranges({"introduced": "0"}, {"last_affected": "1.4"}))
    found = osv("a", "1.4+cpu", published=document, affecting={"a 1.4": ["X-1"]})

    assert affected(found, "1.4+cpu", "1.4.1+cpu") == ["1.4+cpu"]


def test_a_withdrawn_advisory_does_not_count() -> None:
    published = made_up(ranges=ranges({"introduced": "0"}))
    published["X-1"]["withdrawn"] = "2025-01-01T00:00:00Z"

    assert osv("a", "1.0", published=published, affecting={"a 1.0": ["X-1"]}) == ()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (made_up(ranges=ranges({"introduced": "0"}, {"last_affected": "1.4"})), ["1.0", "1.4"]),
        (made_up(ranges=ranges({"introduced": "0"}, {"fixed": "2.0rc1"})), ["1.0", "1.4", "1.5"]),
        (made_up(ranges=ranges({"introduced": "0", "fixed": "1.4"})), ["1.0"]),
        (made_up(versions=["1.0", "1.5", "dev-snapshot"]), ["1.0", "1.5"]),
        # It says that this distribution is affected, and not in a way that can be compared.
        (made_up(), ["1.0", "1.4", "1.5", "2.0"]),
        (made_up(ranges=ranges({"introduced": "0"}, {"fixed": "abc"}, kind="GIT")),
         ["1.0", "1.4", "1.5", "2.0"]),
        ({"X-1": {"id": "X-1"}}, ["1.0", "1.4", "1.5", "2.0"]),
        # The server says that 1.0 is affected, and its document that it is not.
        (made_up(ranges=ranges({"introduced": "1.4"}, {"fixed": "1.5"})), ["1.0", "1.4"]),
    ],
)  # fmt: skip
def test_forms_of_documents(document: dict[str, dict[str, object]], expected: list[str]) -> None:
    found = osv("a", "1.0", published=document, affecting={"a 1.0": ["X-1"]})

    assert affected(found, "1.0", "1.4", "1.5", "2.0") == expected


def test_what_a_document_says_of_others_does_not_count() -> None:
    document = made_up(ranges=ranges({"introduced": "0"}, {"fixed": "1.5"}))
    others = [
        {"package": {"ecosystem": "PyPI", "name": "b"}, "versions": ["2.0"]},
        {"package": {"ecosystem": "npm", "name": "a"}, "versions": ["2.0"]},
        {"ranges": ranges({"introduced": "0"})},
    ]
    document["X-1"]["affected"] += others  # type: ignore[operator]

    found = osv("a", "1.0", published=document, affecting={"a 1.0": ["X-1"]})

    assert affected(found, "1.0", "2.0") == ["1.0"]


def replaced(path: str, reply: Reply) -> Change:
    return lambda asked: reply if asked.path == path else None


BATCH = "/v1/querybatch"
CANARY_PATH = f"/v1/vulns/{CANARY}"
NOT_WHOLE = [
    (replaced(BATCH, Reply(b'{"results": [{}]}')), "answers 1 of 2 queries"),
    (replaced(BATCH, Reply(b'{"results": [{}, {}]}')), "has no advisory for jinja2 2.4.1"),
    (replaced(BATCH, Reply(b"{}")), "results: Field required"),
    (replaced(BATCH, Reply(b"")), "in OSV's format"),
    (replaced(BATCH, Reply(b"[]")), "in OSV's format"),
    (replaced(BATCH, Reply(b'{"results": [{"vulns": [{"id": "../x"}]}, {}]}')), "results.0.vulns"),
    (replaced(BATCH, Reply(b'{"results": [{}, {"vulns": [{"id": "GH')), "in OSV's format"),
    (replaced(BATCH, Reply(b'{"results": [{}, {"next_page_token": "x"}]}')), "queries"),
    (replaced(BATCH, Reply(b"<html>", "text/html")), "in OSV's format"),
    (replaced(BATCH, Reply(status=404)), "does not exist"),
    (replaced(BATCH, Reply(status=500)), "gives no answer: 500"),
    (replaced(CANARY_PATH, Reply(status=404)), "does not exist"),
    (replaced(CANARY_PATH, Reply(b"{}")), "id: Field required"),
    (replaced(CANARY_PATH, Reply(b'{"id": "GHSA-2c2j-9gv5-cj73"}')), "is the advisory GHSA-2c2j"),
    (replaced(CANARY_PATH, Reply(json.dumps({"id": CANARY, "withdrawn": "x"}).encode())),
     "has no advisory"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), NOT_WHOLE)
def test_data_that_is_not_whole_is_an_error(change: Change, reason: str) -> None:
    with pytest.raises((AdvisoryError, WebError)) as caught:
        osv("a", "1.0", change=change, affecting={})

    assert reason in str(caught.value)


@pytest.mark.parametrize(("change", "_reason"), NOT_WHOLE)
def test_no_password_is_printed(change: Change, _reason: str) -> None:
    whole = osv_of(documents(), {})
    with serving(lambda asked: change(asked) or whole(asked)) as url:
        source = OsvSource(url.replace("//", "//me:secret@"), CLIENT)
        with pytest.raises((AdvisoryError, WebError)) as caught:
            source.advisories_for({"a": {Version("1.0")}}, silent)

    assert "secret" not in str(caught.value)


def test_pages_without_end_are_an_error() -> None:
    def endless(asked: Asked) -> Reply | None:
        if asked.path != BATCH:
            return None
        results = [{"next_page_token": "again"} for _ in json.loads(asked.body)["queries"]]
        return Reply(json.dumps({"results": results}).encode())

    with pytest.raises(AdvisoryError, match="has more than 100 pages"):
        osv("a", "1.0", change=endless)


def test_every_page_is_read() -> None:
    many = {f"X-{number}": {"id": f"X-{number}"} for number in range(7)}

    found = osv("a", "1.0", published=many, affecting={"a 1.0": list(many)})

    assert {advisory.names[0] for advisory in found} == set(many)


def test_many_questions_are_asked_in_several_batches() -> None:
    asked: list[int] = []

    def count(one: Asked) -> None:
        if one.path == BATCH:
            asked.append(len(json.loads(one.body)["queries"]))

    osv("a", *(f"1.{number}" for number in range(600)), change=count, affecting={})

    assert sorted(asked) == [101, 500]


def test_an_invalid_version_names_its_advisory() -> None:
    document = made_up(ranges=ranges({"introduced": "0"}, {"fixed": "soon"}))

    with pytest.raises(AdvisoryError, match="X-1 names 'soon', which is not a version"):
        osv("a", "1.0", published=document, affecting={"a 1.0": ["X-1"]})


JINJA_FOUND = {
    "id": "PYSEC-2019-217",
    "aliases": ["CVE-2019-10906", "GHSA-462w-v97r-4m45"],
    "details": "In Pallets Jinja before 2.10.1, str.format_map allows a sandbox escape.",
    "fixed_in": ["2.10.1"],
    "link": "https://osv.dev/vulnerability/PYSEC-2019-217",
    "source": "osv",
    "summary": None,
    "withdrawn": None,
}


def pypi_of(vulnerable: Mapping[str, object]) -> Answering:
    """A server with PyPI's JSON API; None is a document without the key."""
    known = {"jinja2/2.4.1": [JINJA_FOUND], **vulnerable}

    def answer(asked: Asked) -> Reply:
        release = asked.path.removeprefix("/pypi/").removesuffix("/json")
        if release not in known:
            return Reply(status=404)
        found = known[release]
        document: dict[str, object] = {"info": {}, "vulnerabilities": found}
        if found is None:
            del document["vulnerabilities"]
        return Reply(json.dumps(document).encode())

    return answer


def pypi(name: str, *versions: str, vulnerable: Mapping[str, object]) -> tuple[Advisory, ...]:
    with serving(pypi_of(vulnerable)) as url:
        wanted = {name: set(map(Version, versions))}
        return PypiSource(url, CLIENT).advisories_for(wanted, silent)[name]


def test_pypi_tells_which_releases_are_affected() -> None:
    found = pypi(
        "jinja2", "2.9", "2.10", "2.10.1",
        vulnerable={"jinja2/2.9": [], "jinja2/2.10": [JINJA_FOUND], "jinja2/2.10.1": []},
    )  # fmt: skip

    assert found[0].names == ("CVE-2019-10906", *JINJA)
    # 2.9 was asked about and is said not to be; nobody asked about 2.8.
    assert affected(found, "2.8", "2.9", "2.10", "2.10.1", "3.0") == ["2.8", "2.10"]


def test_an_advisory_that_pypi_has_withdrawn_does_not_count() -> None:
    withdrawn = JINJA_FOUND | {"withdrawn": "2025-01-01T00:00:00Z"}

    assert pypi("a", "1.0", vulnerable={"a/1.0": [withdrawn]}) == ()


@pytest.mark.parametrize(
    ("vulnerable", "reason"),
    [
        ({"a/1.0": None}, "vulnerabilities: Field required"),
        ({}, "does not exist"),
        ({"a/1.0": [], "jinja2/2.4.1": []}, "has no advisory for jinja2 2.4.1"),
        ({"a/1.0": [{"aliases": []}]}, "vulnerabilities.0.id: Field required"),
        ({"a/1.0": [JINJA_FOUND | {"fixed_in": ["soon"]}]}, "names a fix that is not a version"),
    ],
)
def test_pypi_without_data_is_an_error(vulnerable: Mapping[str, object], reason: str) -> None:
    with pytest.raises((AdvisoryError, WebError)) as caught:
        pypi("a", "1.0", vulnerable=vulnerable)

    assert reason in str(caught.value)
