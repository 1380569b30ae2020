import pytest
from pinproof.repository.pyproject import PyprojectError, parse_pyproject
from pinproof.repository.requirements import LineKind

WHOLE = r"""# "commented~=1.0.0" is not a requirement
[build-system]
requires = ["built~=1.0.0", "twice~=1.0.0"]

[project]
name = "It.Self"
"dependencies" = [
    "first~=1.0.0",  # "second~=1.0.0" comes next
    'second~=1.0.0; sys_platform == "linux"',
    "third~=1.0.0; sys_platform == \"linux\"",
    "twice~=1.0.0", "not a requirement",
]
[project.optional-dependencies]
all = ["it_self[one,two]"]
one = [
    "fourth @ https://example.org/a.whl",

    '''over
lines''',
]
[dependency-groups]
"fourth @ https://example.org/a.whl" = [{ include-group = "dev" }, "fifth~=1.0.0"]
"""


def test_every_list_is_read_with_its_lines() -> None:
    lines = parse_pyproject("pyproject.toml", WHOLE)

    assert [(line.number, line.section, line.text.partition("~")[0]) for line in lines] == [
        (3, "build-system.requires", "built"),
        (3, "build-system.requires", "twice"),
        (8, "project.dependencies", "first"),
        (9, "project.dependencies", "second"),
        (10, "project.dependencies", "third"),
        (11, "project.dependencies", "twice"),
        (11, "project.dependencies", "not a requirement"),
        (16, "project.optional-dependencies.one", "fourth @ https://example.org/a.whl"),
        # Written over two lines: too unusual to be placed.
        (1, "project.optional-dependencies.one", "over\nlines"),
        (22, "dependency-groups.fourth @ https://example.org/a.whl", "fifth"),
    ]
    assert [line.kind for line in lines].count(LineKind.INVALID) == 2


@pytest.mark.parametrize("text", ["", "[tool.other]\nkey = 1", "[project]\nname = 'a'"])
def test_a_pyproject_without_requirements_is_fine(text: str) -> None:
    assert parse_pyproject("pyproject.toml", text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "\udcff",
        "a = " + "[" * 5000,
        "a = " + "1" * 5000,
        '[project]\ndependencies = "a~=1.0.0"',
        "[project]\ndependencies = [1]",
        "[project]\ndependencies = {a = '1'}",
        "[project]\noptional-dependencies = ['a']",
        "[project.optional-dependencies]\na = 'b'",
        "[build-system]\nrequires = [{include-group = 'a'}]",
        "dependency-groups = 1",
    ],
)
def test_what_no_installer_could_read_is_refused(text: str) -> None:
    with pytest.raises(PyprojectError):
        parse_pyproject("pyproject.toml", text)
