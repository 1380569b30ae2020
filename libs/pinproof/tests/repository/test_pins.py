from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pinproof.repository.pins import Pins, UnusablePinsError, read_pins

Write = Callable[[Mapping[str, str]], Path]


def scopes(pins: Pins) -> list[str]:
    return [
        f"{scope.path}: {' '.join(map(str, scope.pins))}"
        + (f" | {' '.join(map(str, scope.limits))}" if scope.limits else "")
        for scope in pins.scopes
    ]


def test_what_another_file_includes_is_part_of_that_one(write: Write) -> None:
    root = write({
        "requirements-dev.txt": "-r requirements-prod.txt\n-c constraints.txt\npytest~=9.0.0\n",
        "requirements-prod.txt": "a~=1.0.0\n",
        "constraints.txt": "b<2\n",
        "alone/constraints.txt": "c~=1.0.0\n",
        "empty/requirements.txt": "# nothing\n",
    })  # fmt: skip

    assert scopes(read_pins(root)) == [
        "alone/constraints.txt: c~=1.0.0",
        "requirements-dev.txt: pytest~=9.0.0 a~=1.0.0 | b<2",
    ]


def test_each_list_of_a_pyproject_is_installed_by_itself(write: Write) -> None:
    root = write({
        "pyproject.toml": '[build-system]\nrequires = ["s~=1.0.0"]\n'
        '[project]\nname = "x"\ndependencies = ["a~=1.0.0", "b @ https://example.org/b.whl"]\n'
        '[dependency-groups]\ntest = ["c~=1.0.0"]\n'
    })  # fmt: skip

    pins = read_pins(root)

    assert scopes(pins) == [f"pyproject.toml: {name}~=1.0.0" for name in "sac"]
    assert pins.direct == ("pyproject.toml:5",)


def test_one_file_is_read_with_the_nearest_policy(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({
        "pins.toml": '[policy]\npythons = ["3.12"]\n',
        "service/requirements.txt": "-r ../base.txt\na~=1.0.0\n",
        "base.txt": "b~=1.0.0\n",
    })  # fmt: skip
    monkeypatch.chdir(root)

    pins = read_pins(Path("service/requirements.txt"))

    assert pins.policy.pythons == ("3.12",)
    assert [pin.place for pin in pins.all()] == ["base.txt:1", "service/requirements.txt:2"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "contains no requirement"),
        ({"requirements.txt": "a~=1.0.0\n???\n"}, "requirements.txt:2: '???' is not a requirement"),
        ({"requirements.txt": "-r absent.txt\n"}, "requirements.txt:1: --requirement absent.txt"),
        ({"requirements.txt": "a~=1.0.0\n", "pyproject.toml": "["}, "pyproject.toml:1: it is not"),
    ],
)
def test_what_cannot_be_read_is_an_error(
    files: Mapping[str, str], reason: str, write: Write
) -> None:
    with pytest.raises(UnusablePinsError) as caught:
        read_pins(write(files))

    assert reason in str(caught.value)


def test_what_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnusablePinsError, match="does not exist"):
        read_pins(tmp_path / "nowhere")
