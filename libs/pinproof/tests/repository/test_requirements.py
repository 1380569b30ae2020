import pytest
from pinproof.repository.requirements import LineKind, Option, parse_line

REQUIREMENT, DIRECT, OPTION, INVALID = (
    LineKind.REQUIREMENT,
    LineKind.DIRECT,
    LineKind.OPTION,
    LineKind.INVALID,
)
# line, kind, the distribution it names
KINDS = [
    ("numpy", REQUIREMENT, "numpy"),
    ("Num_Py~=1.2.3", REQUIREMENT, "num-py"),
    ("numpy[a]~=1.2.3; os_name == 'posix'", REQUIREMENT, "numpy"),
    ("numpy===anything-goes", REQUIREMENT, "numpy"),
    ("numpy @ https://example.org/numpy.whl", DIRECT, "numpy"),
    ("numpy@1.2.3", DIRECT, "numpy"),
    ("numpy @ ./numpy", DIRECT, "numpy"),
    ("https://example.org/numpy.whl", DIRECT, None),
    ("./numpy", DIRECT, None),
    ("-e ./numpy", DIRECT, None),
    ("-r a.txt", OPTION, None),
    ("--pre", OPTION, None),
    ("numpy=1.2.3", INVALID, None),
    ("numpy~=1", INVALID, None),
    ("numpy~=1.2.3 --pre", INVALID, None),
    ("numpy~=1.2.3 -r a.txt", INVALID, None),
    ("-r a.txt numpy", INVALID, None),
    ("-r", INVALID, None),
    ("--req a.txt", INVALID, None),  # two options begin so, for pip too
    ("-r 'a.txt", INVALID, None),
    ("numpy; os_name", INVALID, None),
]
OPTIONS = [
    ("-r a.txt", [("--requirement", "a.txt")]),
    ("-ra.txt", [("--requirement", "a.txt")]),
    ("--requirement=a.txt", [("--requirement", "a.txt")]),
    ("--requirement 'a b.txt'", [("--requirement", "a b.txt")]),
    ("-c a.txt -r b.txt", [("--constraint", "a.txt"), ("--requirement", "b.txt")]),
    ("--requirem a.txt", [("--requirement", "a.txt")]),
    ("-i https://example.org", [("--index-url", "https://example.org")]),
    ("--pre", [("--pre", "")]),
    ("--unknown value", [("--unknown", "")]),
    ("a~=1.2.3 --hash=b:1 --hash c:2", [("--hash", "b:1"), ("--hash", "c:2")]),
]


@pytest.mark.parametrize(("text", "kind", "name"), KINDS)
def test_a_line_has_a_kind(text: str, kind: LineKind, name: str | None) -> None:
    line = parse_line("requirements.txt", 7, text)

    assert (line.kind, line.name, line.text, line.number) == (kind, name, text, 7)
    assert bool(line.error) == (kind is INVALID)


@pytest.mark.parametrize(("text", "options"), OPTIONS)
def test_options_get_their_full_names(text: str, options: list[tuple[str, str]]) -> None:
    line = parse_line("requirements.txt", 1, text)

    assert list(line.options) == [Option(*option) for option in options]


@pytest.mark.parametrize(("length", "shown"), [(80, 80), (81, 80), (70_000, 80)])
def test_a_long_line_is_shortened_in_messages(length: int, shown: int) -> None:
    line = parse_line("requirements.txt", 1, "a" * length)

    assert len(line.excerpt) == shown
