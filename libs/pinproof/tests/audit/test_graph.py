"""What pins lead to, in the newest releases that go together."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from audit_samples import PROJECTS
from pinproof.audit.concurrent_map import silent
from pinproof.audit.graph import build_graph
from pinproof.audit.http_client import Client
from pinproof.audit.index import Index
from pinproof.audit.releases import Releases
from pinproof.repository.pins import read_pins
from servers import Release, index_of, released, serving

Write = Callable[[Mapping[str, str]], Path]

LINUX = "sys_platform == 'linux'"
OTHERS = "sys_platform != 'linux'"

CYCLE = {
    "a": {"1.0.0": Release(["b[more]"])},
    "b": {"1.0": Release(["a", 'c; extra == "more"', 'd; extra == "other"', "b[more]"])},
    "c": released("1.0", "2.0"),
    "d": released("1.0"),
}


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ("numpy~=1.26.3", ["numpy 1.26.4"]),
        ("fastapi~=0.115.12", ["fastapi 0.115.14", "starlette 0.46.2", "typing-extensions 4.15.0"]),
        # The newest release of a pin that its parent admits.
        ("fastapi~=0.115.12\nstarlette<0.49", ["fastapi 0.115.14", "starlette 0.46.2",
                                               "typing-extensions 4.15.0"]),
        # They contradict each other in their newest releases, and older ones would not.
        ("fastapi~=0.115.0\nstarlette~=0.38.0", ["fastapi 0.115.14", "starlette 0.38.6",
                                                 "typing-extensions 4.15.0"]),
        # A parent on one platform says nothing of a pin for another.
        (f"fastapi~=0.116.0; {LINUX}\nstarlette~=0.47.0; {LINUX}\nstarlette<1; {OTHERS}",
         ["fastapi 0.116.1", "starlette 0.47.2", "starlette 0.49.1"]),
        # Distributions that ask for each other and for extras of themselves.
        ("a~=1.0.0", ["a 1.0.0", "b 1.0", "c 2.0"]),
        ("a~=1.0.0\nc~=1.0", ["a 1.0.0", "b 1.0", "c 1.0"]),
        # A pin for some environments leaves the others to the parents.
        ("a~=1.0.0\nc~=1.0; sys_platform == 'linux'", ["a 1.0.0", "b 1.0", "c 1.0", "c 2.0"]),
    ],
)  # fmt: skip
def test_the_newest_releases_that_go_together(
    requirements: str, expected: list[str], write: Write
) -> None:
    pins = read_pins(write({"requirements.txt": f"{requirements}\n"}))
    with serving(index_of({**PROJECTS, **CYCLE})) as url:
        index = Index(f"{url}/simple/", Client(attempts=1))
        releases = Releases(index, "3.11", installed={}, progress=silent)

        graph = build_graph(pins.scopes[0], pins.policy, releases)

    assert sorted(f"{node.name} {node.ceiling}" for node in graph) == expected
