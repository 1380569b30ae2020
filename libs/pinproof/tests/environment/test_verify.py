import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from modelseal.distributions import SourcedRequirement
from packaging.requirements import Requirement
from pinproof.environment.interpreter import (
    Distribution,
    Installation,
    InterpreterError,
    inspect_interpreter,
)
from pinproof.environment.verify import (
    MismatchKind,
    UnusableRequirementsError,
    compare,
    verify,
)

Write = Callable[[Mapping[str, str | bytes]], Path]

MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.7",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "6",
    "platform_system": "Linux",
    "platform_version": "1",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def distribution(text: str, *requires: str, from_folder: bool = False) -> Distribution:
    name, version = text.split(" ")
    return Distribution(name=name, version=version, requires=requires, from_folder=from_folder)


def required(*texts: str) -> list[SourcedRequirement]:
    return [(f"r.txt:{number}", Requirement(text)) for number, text in enumerate(texts, 1)]


def faults(
    asked: list[SourcedRequirement],
    *installed: Distribution,
    constraints: list[SourcedRequirement] | None = None,
) -> list[str]:
    installation = Installation(markers=MARKERS, distributions=installed)
    found = compare(asked, constraints or [], installation)
    return [f"{finding.fault}: {finding.message}" for finding in found.findings]


SAME: list[tuple[list[SourcedRequirement], list[Distribution]]] = [
    ([], []),
    (required("a~=1.2.3"), [distribution("a 1.2.3")]),
    (required("A_b~=1.2.3"), [distribution("a.B 1.2.9")]),
    (required("a~=1.2.3"), [distribution("a 1.2.4rc1")]),
    (required("a~=1.2.3"), [distribution("a 1.2.3+cpu")]),
    (required("a @ https://example.org/a.whl"), [distribution("a 9")]),
    (required("a~=1.2.3; sys_platform == 'win32'"), []),
    (required("a"), [distribution("a 1", "b"), distribution("b 1", "c>=1"), distribution("c 1")]),
    (required("a"), [distribution("a 1", "b; extra == 'x'")]),
    (required("a"), [distribution("a 1", "b; sys_platform == 'win32'")]),
    (required("a[X]"), [distribution("a 1", "b; extra == 'x'"), distribution("b 1")]),
    (required("a", "a[x]"), [distribution("a 1", "b; extra == 'x'"), distribution("b 1")]),
    # One extra that includes another, and distributions that ask for each other.
    (
        required("a[all]"),
        [distribution("a 1", "a[x]; extra == 'all'", "b; extra == 'x'"), distribution("b 1", "a")],
    ),
    (required("a"), [distribution("a 1", "b"), distribution("b 1", "a")]),
    (required("a"), [distribution("a 1"), distribution("a 2")]),
    ([], [distribution("pip 1"), distribution("setuptools 1"), distribution("wheel 1")]),
    (required("a"), [distribution("a 1"), distribution("mine 1", "a", from_folder=True)]),
]
DIFFERENT: list[tuple[list[SourcedRequirement], list[Distribution], list[str]]] = [
    (required("b", "a~=1.2.3"), [distribution("b 1")],
     ["missing: a~=1.2.3 is not installed; r.txt:2 requires it"]),
    (required("a"), [], ["missing: a is not installed; r.txt:1 requires it"]),
    (required("a~=1.2.3"), [distribution("a 1.3.0")],
     ["wrong-version: a 1.3.0 is installed; r.txt:1 requires ~=1.2.3"]),
    (required("a~=1.2.3"), [distribution("a 1.2.2")],
     ["wrong-version: a 1.2.2 is installed; r.txt:1 requires ~=1.2.3"]),
    (required("a~=1.2.3"), [distribution("a unknown")],
     ["wrong-version: a unknown is installed; r.txt:1 requires ~=1.2.3"]),
    (required("a"), [distribution("a 1", "b>=2")],
     ["missing: b>=2 is not installed; a requires it"]),
    (required("a"), [distribution("a 1", "b>=2"), distribution("b 1")],
     ["wrong-version: b 1 is installed; a requires >=2"]),
    (required("a[x]"), [distribution("a 1", "b; extra == 'x'")],
     ["missing: b is not installed; a requires it"]),
    ([], [distribution("a 1")], ["extra: a 1 is installed; nothing requires it"]),
    (required("a"), [distribution("a 1", "b; extra == 'x'"), distribution("b 1")],
     ["extra: b 1 is installed; nothing requires it"]),
    ([], [distribution("a 1", "b"), distribution("b 1")],
     ["extra: a 1 is installed; nothing requires it",
      "extra: b 1 is installed; only a requires it"]),
    ([], [distribution("mine 1", "a", from_folder=True), distribution("a 1")],
     ["extra: a 1 is installed; only mine requires it"]),
    ([], [distribution("pip 1", "a"), distribution("a 1")],
     ["extra: a 1 is installed; only pip requires it"]),
    (required("a"), [distribution("a 1", "b (>dev)")],
     ["unreadable-metadata: a requires 'b (>dev)', which is not a requirement"]),
    (required("mine~=2.0.0"), [distribution("mine 1", from_folder=True)],
     ["wrong-version: mine 1 is installed; r.txt:1 requires ~=2.0.0"]),
    (required("pip~=2.0.0"), [distribution("pip 1")],
     ["wrong-version: pip 1 is installed; r.txt:1 requires ~=2.0.0"]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "installed"), SAME)
def test_an_environment_that_is_what_the_file_says(
    asked: list[SourcedRequirement], installed: list[Distribution]
) -> None:
    assert faults(asked, *installed) == []


@pytest.mark.parametrize(("asked", "installed", "expected"), DIFFERENT)
def test_an_environment_that_is_not(
    asked: list[SourcedRequirement], installed: list[Distribution], expected: list[str]
) -> None:
    assert faults(asked, *installed) == expected


def test_a_constraint_limits_what_is_installed_and_asks_for_nothing() -> None:
    constraints = required("a<2", "b<2")

    assert faults(required("a"), distribution("a 1"), constraints=constraints) == []
    assert faults(required("a"), distribution("a 2"), constraints=constraints) == [
        "wrong-version: a 2 is installed; r.txt:1 requires <2"
    ]


def test_expected_distributions_outside_of_the_file_are_named() -> None:
    installed = (distribution("mine 1", from_folder=True), distribution("pip 1"))
    found = compare([], [], Installation(markers=MARKERS, distributions=installed))

    assert (found.first_party, found.installers, found.installed) == (("mine",), ("pip",), 2)


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real interpreter of an environment that holds nothing, pinproof neither."""
    folder = tmp_path_factory.mktemp("bare") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def install(python: Path, name: str, version: str, **files: str) -> None:
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    folder = packages / f"{name}-{version}.dist-info"
    folder.mkdir(exist_ok=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (folder / "METADATA").write_text(metadata + files.get("requires", ""), encoding="utf-8")
    if "direct_url" in files:
        (folder / "direct_url.json").write_text(files["direct_url"], encoding="utf-8")


def test_another_interpreter_is_asked_without_pinproof_in_it(
    bare_python: Path, write: Write
) -> None:
    install(bare_python, "Asked_For", "1.2.3", requires="Requires-Dist: needed>=2\n")
    install(bare_python, "needed", "1.0")
    install(bare_python, "left-over", "3.0")
    install(bare_python, "mine", "0.1", direct_url='{"url": "file:///m", "dir_info": {}}')
    install(bare_python, "odd", "0.1", direct_url="not json")
    install(bare_python, "interrupted", "0.1")
    for metadata in bare_python.parents[1].glob("lib/python*/site-packages/interrupted-*/METADATA"):
        metadata.unlink()
    root = write(
        {
            "requirements-dev.txt": "-r requirements-prod.txt\n-c constraints.txt\nabsent~=1.0.0\n",
            "requirements-prod.txt": "asked-for~=1.2.0 --hash=sha256:0\n",
            "constraints.txt": "left-over<3\nnot-installed<3\n",
        }
    )

    found = verify(root / "requirements-dev.txt", python=bare_python)

    assert [f"{finding.fault}: {finding.message}" for finding in found.findings] == [
        "extra: left-over 3.0 is installed; nothing requires it",
        "extra: odd 0.1 is installed; nothing requires it",
        "missing: absent~=1.0.0 is not installed; requirements-dev.txt:3 requires it",
        "wrong-version: left-over 3.0 is installed; constraints.txt:1 requires <3",
        "wrong-version: needed 1.0 is installed; Asked_For requires >=2",
    ]
    assert found.first_party == ("mine",)


def test_this_interpreter_is_asked_by_default() -> None:
    names = inspect_interpreter().by_name()

    assert names["pinproof"].from_folder
    assert not names["packaging"].from_folder


def test_the_working_folder_and_the_environment_variables_add_nothing(
    bare_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stray-1.0.dist-info").mkdir()
    (tmp_path / "stray-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: stray\nVersion: 1.0\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert "stray" not in inspect_interpreter(bare_python).by_name()


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false", "/bin/echo", "/"])
def test_a_program_that_is_not_an_interpreter_is_refused(program: str) -> None:
    with pytest.raises(InterpreterError, match=rf"^{program} does not list its distributions: \w"):
        inspect_interpreter(Path(program))


@pytest.mark.parametrize("content", [b"\0", b"-r nowhere.txt", b"a=1", b"-r r.txt"])
def test_a_file_that_cannot_be_used_is_refused(content: bytes, write: Write) -> None:
    root = write({"r.txt": content})

    with pytest.raises(UnusableRequirementsError, match=r"/r\.txt:1: "):
        verify(root / "r.txt")


@pytest.mark.parametrize("name", [".", "nowhere.txt"])
def test_a_path_that_is_not_a_file_is_refused(name: str, write: Write) -> None:
    path = write({}) / name

    with pytest.raises(UnusableRequirementsError, match=f"^{path} is not a file"):
        verify(path)


def test_every_fault_has_its_words() -> None:
    reported = {expected.partition(":")[0] for _, _, messages in DIFFERENT for expected in messages}

    assert reported | {MismatchKind.EXCLUDED} == set(MismatchKind)


def test_what_is_excluded_may_be_missing_and_must_not_be_installed() -> None:
    asked = [distribution("a 1", "gpu", "b"), distribution("b 1")]
    excluded = {"gpu": "there is none"}

    absent = compare(
        required("a"), [], Installation(markers=MARKERS, distributions=tuple(asked)), excluded
    )
    present = Installation(
        markers=MARKERS, distributions=(*asked, distribution("GPU 2", "big"), distribution("big 1"))
    )

    assert absent.findings == ()
    assert [
        finding.message for finding in compare(required("a"), [], present, excluded).findings
    ] == [
        "gpu 2 is installed; pins.toml excludes it (there is none)",
        "big 1 is installed; nothing requires it",
    ]


def test_the_policy_above_the_file_excludes(write: Write) -> None:
    exclusion = "[[exclusions]]\ndistribution = 'pytest'\npath = 'a'\nreason = 'to see'\n"
    root = write({"pins.toml": exclusion, "a/r.txt": "", "b/r.txt": ""})

    def excluded(path: str) -> list[str]:
        found = verify(root / path).findings
        return [finding.name for finding in found if finding.fault is MismatchKind.EXCLUDED]

    assert excluded("a/r.txt") == ["pytest"]
    assert excluded("b/r.txt") == []
