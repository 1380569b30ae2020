import json
from collections.abc import Mapping, Sequence

import pytest
from audit_samples import PROJECTS
from packaging.requirements import Requirement
from packaging.version import Version
from pinproof.audit.http_client import Answer, Client, WebError
from pinproof.audit.index import Index, NoMetadataError
from pinproof.audit.index.pages import ACCEPT, read_page
from pinproof.audit.index.project import Project, version_of
from servers import SIMPLE, Asked, Release, Reply, index_of, serving

CLIENT = Client(attempts=1)
HTML = b"""<!DOCTYPE html><html>
<head><meta name="pypi:repository-version" content="1.1"></head><body>
<a href="../../files/some_thing-1.0-py3-none-any.whl#sha256=00" data-requires-python="&gt;=3.11"
   data-dist-info-metadata="sha256=abc">some_thing-1.0-py3-none-any.whl</a>
<a href="/files/some-thing-1.1.tar.gz" data-yanked="broken">some-thing-1.1.tar.gz</a>
<a href="/files/some_thing-1.2-py3-none-any.whl" data-yanked data-core-metadata="true">x</a>
<a href="/files/some-thing-1.0.exe">some-thing-1.0.exe</a>
<a>no address</a></body></html>"""


def page(files: Sequence[Mapping[str, object]], **changed: object) -> Answer:
    document = {"meta": {"api-version": "1.4"}, "name": "some-thing", "files": files, **changed}
    return Answer("https://example.org/simple/some-thing/", SIMPLE, json.dumps(document).encode())


def file(name: str, **more: object) -> dict[str, object]:
    return {"filename": name, "url": f"../../files/{name}", "hashes": {}, **more}


def with_password(server: str) -> str:
    return server.replace("//", "//me:secret@") + "/simple/"


def installable(project: Project, python: str) -> list[str]:
    return list(map(str, project.installable(python)))


def test_the_json_page_is_read() -> None:
    project = read_page("some-thing", page([
        file("some_thing-1.0-py3-none-any.whl", **{"core-metadata": {"sha256": "abc"}}),
        file("some-thing-1.10.tar.gz"),
        file("some_thing-1.9-py3-none-any.whl", **{"requires-python": ">=3.12"}),
        file("some_thing-2.0-py3-none-any.whl", yanked="broken"),
        file("some_thing-2.1-py3-none-any.whl", yanked=True),
        file("some_thing-3.0-py3-none-any.whl", yanked=False, **{"requires-python": ">=3.11.5"}),
        file("some_thing-4.0-py3-none-any.whl", **{"requires-python": "nonsense"}),
        file("some-thing-5.0.exe"),
        file("some-thing-latest.tar.gz"),
    ], name="Some_Thing"))  # fmt: skip

    assert installable(project, "3.11") == ["1.0", "1.10", "3.0", "4.0"]
    assert installable(project, "3.12") == ["1.0", "1.9", "1.10", "3.0", "4.0"]
    assert project.files[0].metadata_sha256 == "abc"
    assert project.files[0].url == "https://example.org/files/some_thing-1.0-py3-none-any.whl"
    assert list(map(str, project.installable_by_all(["3.11", "3.12"])))[1] == "1.10"


def test_a_release_counts_while_one_of_its_files_is_not_yanked() -> None:
    project = read_page("some-thing", page([
        file("some_thing-1.0-py3-none-any.whl", yanked=True), file("some-thing-1.0.tar.gz"),
    ]))  # fmt: skip

    assert installable(project, "3.11") == ["1.0"]


def test_the_html_page_is_read() -> None:
    answer = Answer("https://example.org/simple/some-thing/", "text/html", HTML)

    first, second, third = read_page("some-thing", answer).files

    assert first.url == "https://example.org/files/some_thing-1.0-py3-none-any.whl"
    assert (first.requires_python, first.metadata, first.metadata_sha256) == (">=3.11", True, "abc")
    assert (first.yanked, second.yanked, third.yanked) == (False, True, True)
    assert (second.metadata, third.metadata, third.metadata_sha256) == (False, True, None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (page([], meta={"api-version": "2.0"}), "meta.api-version: "),
        (page([], meta={}), "meta.api-version: Field required"),
        (page([], name="other"), "it is the page of other"),
        (page([{"filename": "a"}]), "files.0.url: Field required"),
        (Answer("https://example.org/", SIMPLE, b'{"meta": {"api-ver'), "Invalid JSON"),
        (Answer("https://example.org/", SIMPLE, b""), "Invalid JSON"),
        (Answer("https://example.org/", "application/pdf", b"%PDF"), "it is application/pdf"),
        (page([]), "has no file of some-thing"),
        (Answer("https://example.org/", "text/html", b"<h1>Log in</h1>"), "has no file"),
    ],
)
def test_an_invalid_page_is_refused(answer: Answer, reason: str) -> None:
    with pytest.raises(WebError) as caught:
        read_page("some-thing", answer)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("name", "version"),
    [("a_b-1.2-py3-none-any.whl", "1.2"), ("a-b-1.2.tar.gz", "1.2"), ("a-1.2.zip", "1.2"),
     ("a-2.0rc1-1-cp311-cp311-linux_x86_64.whl", "2.0rc1"), ("a.whl", None), ("a-x.tar.gz", None),
     ("a-1.2.egg", None), ("a-1.2.win32.exe", None), ("", None)],
)  # fmt: skip
def test_the_version_of_a_file(name: str, version: str | None) -> None:
    assert version_of(name) == (Version(version) if version else None)


def test_an_index_is_asked_once_for_each_project_and_prefers_json() -> None:
    asked: list[Asked] = []

    def answer(one: Asked) -> Reply:
        asked.append(one)
        reply = index_of(PROJECTS)(one)
        assert isinstance(reply, Reply)
        return reply

    with serving(answer) as url:
        index = Index(f"{url}/simple", CLIENT)
        assert index.project("FastAPI") is index.project("fastapi")

    assert [one.path for one in asked] == ["/simple/fastapi/"]
    assert asked[0].headers["Accept"] == ACCEPT


def test_the_requirements_of_a_release_come_from_the_metadata_of_its_wheel() -> None:
    with serving(index_of(PROJECTS)) as url:
        index = Index(f"{url}/simple/", CLIENT)

        assert index.requirements("fastapi", Version("0.116.1")) == (
            Requirement("starlette<0.48.0,>=0.40.0"),
        )


def test_metadata_that_is_not_what_the_index_announced_is_refused() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith(".metadata"):
            return Reply(b"Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: evil\n")
        reply = index_of({"a": {"1": Release()}})(asked)
        assert isinstance(reply, Reply)
        return reply

    with (
        serving(answer) as url,
        pytest.raises(WebError, match="not have the digest"),
    ):
        Index(f"{url}/simple/", CLIENT).requirements("a", Version("1"))


def test_without_metadata_the_json_api_is_asked() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/pypi/a/1/json":
            return Reply(b'{"info": {"requires_dist": ["b~=1.0"]}}')
        reply = index_of({"a": {"1": Release(metadata=False)}})(asked)
        assert isinstance(reply, Reply)
        return reply

    with serving(answer) as url:
        requirements = Index(f"{url}/simple/", CLIENT).requirements("a", Version("1"))

    assert requirements == (Requirement("b~=1.0"),)


def test_where_neither_is_offered_what_a_release_asks_for_is_unknown() -> None:
    with (
        serving(index_of({"a": {"1": Release(metadata=False)}})) as server,
        pytest.raises(NoMetadataError, match="The requirements of a 1 are unknown") as caught,
    ):
        Index(with_password(server), CLIENT).requirements("a", Version("1"))

    assert "secret" not in str(caught.value)


def test_invalid_requirements_are_an_error() -> None:
    with (
        serving(index_of({"a": {"1": Release(["b (>dev)"])}})) as url,
        pytest.raises(WebError, match="is not the metadata of a release"),
    ):
        Index(f"{url}/simple/", CLIENT).requirements("a", Version("1"))


def test_the_password_goes_to_the_files_of_the_same_server_and_to_no_other() -> None:
    projects = {"a": {"1": Release()}, "b": {"1": Release()}}
    seen: dict[str, bool] = {}

    def answer(asked: Asked) -> Reply:
        seen[asked.path] = "Authorization" in asked.headers
        reply = index_of(projects)(asked)
        assert isinstance(reply, Reply)
        if asked.path == "/simple/b/":
            return reply._replace(body=reply.body.replace(b"../..", other.encode()))
        return reply

    with serving(answer) as other, serving(answer) as url:
        index = Index(url.replace("//", "//me:secret@") + "/simple/", CLIENT)
        index.requirements("a", Version("1"))
        index.requirements("b", Version("1"))

    assert seen == {
        "/simple/a/": True,
        "/files/a/a-1-py3-none-any.whl.metadata": True,
        "/simple/b/": True,
        "/files/b/b-1-py3-none-any.whl.metadata": False,
    }
