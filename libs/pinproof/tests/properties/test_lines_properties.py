"""Our reading of requirements files against pip-requirements-parser, which is pip's own code."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from pinproof.repository.lines import NotTextError, decode, logical_lines
from pinproof.repository.requirements import LineKind, parse_requirements
from pip_requirements_parser import RequirementsFile

pieces = st.sampled_from(
    [
        "numpy",
        "a.b",
        "[x]",
        "~=1.2.3",
        ">=1",
        " ",
        "  ",
        "\t",
        "\\",
        "\\\n",
        "\n",
        "\r\n",
        "#",
        " # c",
        "-r x.txt",
        "--hash=sha256:0",
        "--pre",
        "; os_name == 'posix'",
        "\x0c",
        "\u2028",
        "'",
        "é",
    ]
)
texts = st.lists(pieces, max_size=25).map("".join)
requirements = st.sampled_from(
    [
        "numpy~=1.26.4",
        "a.b[x]>=1,<2",
        "c_d",
        "e==1.*; os_name == 'posix'",
        "f~=1.0.0 --hash=sha256:0",
    ]
)
layouts = st.sampled_from(["{}", "  {}  ", "{} # comment", "# {}", "\\\n{}", "{}\\\n", "\n\n{}"])
files = st.lists(
    st.builds(lambda layout, requirement: layout.format(requirement), layouts, requirements)
).map("\n".join)


@given(text=files)
def test_the_requirements_and_their_places_are_those_that_pip_finds(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "requirements.txt")
        path.write_text(text, encoding="utf-8", newline="")
        theirs = RequirementsFile.from_file(str(path))

    ours = list(parse_requirements("requirements.txt", text))
    assert [
        (line.number, line.requirement and str(line.requirement.specifier))
        for line in ours
        if line.kind is LineKind.REQUIREMENT
    ] == [(found.line_number, str(found.req.specifier)) for found in theirs.requirements]
    assert sum(line.kind is LineKind.INVALID for line in ours) == len(theirs.invalid_lines)


@given(text=texts)
def test_every_line_that_pip_reads_is_read(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "requirements.txt")
        path.write_text(text, encoding="utf-8", newline="")
        theirs = RequirementsFile.from_file(str(path))

    read = [*theirs.requirements, *theirs.options, *theirs.invalid_lines]
    # As a set: a line that is an option and more is found twice by theirs.
    expected = {found.requirement_line.line for found in read}
    assert {line for _, line in logical_lines(text)} == expected


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        text = decode(data)
    except NotTextError:
        return
    for line in parse_requirements("requirements.txt", text):
        assert 1 <= line.number <= text.count("\n") + text.count("\r") + 1


@given(text=st.text(max_size=200))
def test_any_text_is_parsed_without_a_crash(text: str) -> None:
    for line in parse_requirements("requirements.txt", text):
        assert line.kind in LineKind
