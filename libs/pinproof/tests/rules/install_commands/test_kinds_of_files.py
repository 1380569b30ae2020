"""Every row of the table of doors has exactly its violations."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from kinds_of_files import DOORS, SILENT, Door
from pinproof.check import check
from pinproof.repository.kinds import KINDS, kind_of

Write = Callable[[Mapping[str, str]], Path]

AROUND = {
    "requirements.txt": "checked~=1.2.3\n",
    "service/pyproject.toml": '[project]\nname = "service"\n',
    "my.deps": "numpy\n",
}


def found(door: Door, write: Write) -> list[str]:
    """The violations of a row, written as in the table."""
    around = {name: text for name, text in AROUND.items() if name.lower() != door.file.lower()}
    report = check(write({**around, door.file: door.text}))
    assert not report.unusable
    return [
        (f"{each.path} " if each.path != door.file else "")
        + f"{each.line} "
        + (f"{each.code} " if each.code != "PIN007" else "")
        + (each.distribution or "?")
        for each in report.violations
    ]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.file}: {door.text[-40:]!r}")
def test_a_door_has_its_violations_and_no_other(door: Door, write: Write) -> None:
    assert sorted(found(door, write)) == sorted(door.expected)


@pytest.mark.parametrize("door", SILENT, ids=lambda door: f"{door.file}: {door.text[-40:]!r}")
def test_what_is_pinned_or_no_command_has_no_violation(door: Door, write: Write) -> None:
    assert found(door, write) == []


def test_the_table_has_every_kind_of_file_that_is_read() -> None:
    used = {kind_of(door.file) for door in (*DOORS, *SILENT)}

    assert [kind.name for kind in KINDS if kind.is_read and kind not in used] == []


def test_a_script_in_utf_16_is_read(write: Callable[[Mapping[str, bytes]], Path]) -> None:
    report = check(write({"x.ps1": "pip install numpy".encode("utf-16")}))

    assert [(each.line, each.distribution) for each in report.violations] == [(1, "numpy")]


HOSTILE = ["\"'" * 2_000, "{{" * 2_000, "{%" * 2_000, "- " * 2_000, "a: " * 2_000, "[" * 2_000]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: text[:3])
@pytest.mark.parametrize("name", ["x.tf", "x.yml", "x.json", "x.toml", "x.ipynb"])
def test_a_hostile_text_does_not_stop_the_check(name: str, hostile: str, write: Write) -> None:
    text = f"{hostile}\n'pip' {hostile}\npip install numpy\n"

    report = check(write({name: text}))

    assert {each.path for each in report.violations} == {name}
