"""The entries of a large document that call no installer are not parsed, and nothing is lost."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from install_helpers import unpinned_installs
from kinds_of_files import DOORS, SILENT, Door
from pinproof.check import check
from pinproof.rules.install_commands import yaml_entries
from pinproof.rules.install_commands.read_commands import UnreadableError
from pinproof.rules.install_commands.yaml_entries import relevant_documents

Write = Callable[[Mapping[str, str]], Path]

YAML = [door for door in (*DOORS, *SILENT) if ".y" in door.file.lower()]
MAPPING = "".join(f"part-{number}:\n  replicas: 3\n  image: x\n" for number in range(200))
LIST = "".join(f"- part: {number}\n  image: x\n" for number in range(200))


# a document in which only the first entry has a command, and what follows it
DIVIDED = [
    ("a:\n  run: pip install x\n", MAPPING),
    ("a:\n  pip:\n  - x\n", MAPPING),
    ("- name: a\n  shell: pip install x\n", LIST),
]


def findings(door: Door) -> list[tuple[int, str]] | str:
    try:
        return [(found.line, found.message) for found in unpinned_installs(door.file, door.text)]
    except UnreadableError as error:
        return str(error)


@pytest.mark.parametrize("door", YAML, ids=lambda door: f"{door.file}: {door.text[-40:]!r}")
def test_a_document_has_the_same_findings_if_it_is_divided(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = findings(door)
    monkeypatch.setattr(yaml_entries, "_SMALL", 0)

    assert findings(door) == whole


@pytest.mark.parametrize("door", YAML, ids=lambda door: f"{door.file}: {door.text[-40:]!r}")
def test_a_document_has_the_same_findings_if_much_follows(door: Door) -> None:
    more = LIST if door.text.startswith("- ") else MAPPING

    assert findings(door._replace(text=f"{door.text}\n{more}")) == findings(door)


@pytest.mark.parametrize(("text", "more"), DIVIDED)
def test_only_the_entry_with_a_command_is_parsed(text: str, more: str) -> None:
    ((line, document, relevant),) = relevant_documents(text + more)

    assert (line, document) == (0, text + more)
    assert relevant == text + "\n" * more.count("\n")


NESTED = [
    "jobs:\n{many}  a:\n    steps:\n{steps}    - run: pip install numpy\n",
    "- hosts: all\n  vars:\n{many}  tasks:\n{steps}  - shell: pip install numpy\n",
    "items:\n- kind: a\n  data:\n{many}  x:\n    - name: y\n      pip:\n      - numpy\n",
    "a: &a\n{many}env: {{PIP_PRE: 1}}\nb:\n  image: x\n  command: [pip, install, numpy]\n",
    "a:\n{many}    last:\n      image:\n        packages: [numpy]\n      run: pip install x\n",
]


@pytest.mark.parametrize("nested", NESTED)
def test_a_command_deep_in_a_large_document_is_found(
    nested: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = "".join(f"    part-{number}:\n      - x: {number}\n" for number in range(300))
    steps = "".join(f"    - name: step {number}\n      uses: x\n" for number in range(300))
    root = write({"x.yml": nested.format(many=many, steps=steps)})
    divided = check(root).violations
    monkeypatch.setattr(yaml_entries, "_SMALL", 10**9)

    assert "numpy" in [each.distribution for each in divided]
    assert divided == check(root).violations


def test_a_conda_environment_with_many_packages_is_not_a_command(write: Write) -> None:
    packages = "".join(f"- x{number}~=1.2.3\n" for number in range(500))
    text = f"channels: [x]\ndependencies:\n{packages}- pip:\n  - numpy~=1.26.4\n"

    assert check(write({"ml.yml": text})).violations == ()
