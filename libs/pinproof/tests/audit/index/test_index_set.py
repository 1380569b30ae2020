"""Several indexes, as uv and pip ask them."""

from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from pinproof.audit.http_client import Client, NotFoundError, WebError
from pinproof.audit.index import Index, IndexSet, NoMetadataError
from servers import Reply, index_of, released, serving

CLIENT = Client(attempts=1)
PUBLIC = {"shared": released("1.0.0", "9.0.0"), "public": released("1.0.0", requires=["shared"])}
PRIVATE = {"shared": released("2.0.0"), "private": released("3.0.0", requires=["public"])}


@pytest.fixture
def indexes() -> Iterator[list[Index]]:
    with serving(index_of(PRIVATE)) as private, serving(index_of(PUBLIC)) as public:
        yield [
            Index(f"{private.replace('//', '//me:secret@')}/simple/", CLIENT),
            Index(f"{public}/simple/", CLIENT),
        ]


@pytest.mark.parametrize(
    ("merged", "versions"), [(False, ["2.0.0"]), (True, ["1.0.0", "2.0.0", "9.0.0"])]
)
def test_which_releases_count(indexes: list[Index], merged: bool, versions: list[str]) -> None:
    project = IndexSet(indexes, merged=merged).project("Shared")

    assert list(map(str, project.installable("3.11"))) == versions


@pytest.mark.parametrize("merged", [False, True])
def test_requirements_come_from_the_index_that_has_the_release(
    indexes: list[Index], merged: bool
) -> None:
    both = IndexSet(indexes, merged=merged)

    assert both.requirements("private", Version("3.0.0")) == (Requirement("public"),)
    assert both.requirements("public", Version("1.0.0")) == (Requirement("shared"),)
    with pytest.raises(NoMetadataError, match=r"No index has public 7\.0\.0"):
        both.requirements("public", Version("7.0.0"))


def test_a_name_that_no_index_has_is_told_without_a_password(indexes: list[Index]) -> None:
    with pytest.raises(NotFoundError) as caught:
        IndexSet(indexes).project("absent")

    assert str(caught.value).startswith("absent is in none of the indexes http://127.0.0.1:")
    assert "secret" not in str(caught.value)


def test_an_index_that_refuses_is_not_passed_over(indexes: list[Index]) -> None:
    with serving(lambda _: Reply(status=403)) as refusing:
        first = Index(f"{refusing}/simple/", CLIENT)

        # The next index may have another distribution of this name.
        with pytest.raises(WebError, match="403"):
            IndexSet([first, *indexes]).project("public")
