"""Environments are made as a whole, found again, bounded, and never taken from under a user."""

import subprocess
import sys
from pathlib import Path

import pytest
from pinproof.closure.uv import UnsatisfiableError, UvError
from pinproof.proof.environments import EnvironmentCache, Recipe
from sample_service import UV, SampleRepository

PYTHON = Path(sys.executable)


@pytest.fixture
def pins(world: SampleRepository, tmp_path: Path) -> Path:
    assert world.wheels.is_dir()
    return tmp_path / "pins.txt"


def recipe(pins: Path, text: str, **changes: object) -> Recipe:
    pins.write_text(f"{text}\n")
    return Recipe(**({"requirements": (pins,), "python": PYTHON} | changes))  # type: ignore[arg-type]


def complete(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != ".gitignore"}


def test_the_same_content_is_made_once(pins: Path, tmp_path: Path) -> None:
    said: list[str] = []
    cache = EnvironmentCache(tmp_path / "cache", UV, log=said.append)

    with cache.environment(recipe(pins, "otherlib~=1.0.0")) as first:
        assert first.pins == ("otherlib==1.0.0",)
        assert (first.folder / "bin" / "python").exists()
    with cache.environment(recipe(pins, "# A comment\notherlib>=1,<2")) as second:
        assert second.key == first.key

    assert said == ["creating an environment of 1 distributions"]


def test_floor_ceiling_overrides_and_exclusions(pins: Path, tmp_path: Path) -> None:
    cache = EnvironmentCache(tmp_path / "cache", UV)
    text = "toylib>=1.2.0,<1.4\nsidelib~=1.0.0"

    def resolved(**changes: object) -> list[str]:
        return list(cache.resolve(recipe(pins, text, **changes)))

    assert resolved() == ["sidelib==1.0.0", "toylib==1.3.0"]
    assert resolved(resolution="lowest-direct") == ["sidelib==1.0.0", "toylib==1.2.0"]
    assert resolved(overrides=("sidelib~=1.1.0",)) == ["sidelib==1.1.0", "toylib==1.3.0"]
    assert resolved(excluded=("sidelib",)) == ["toylib==1.3.0"]


def test_the_least_recently_used_go_and_those_in_use_stay(pins: Path, tmp_path: Path) -> None:
    cache = EnvironmentCache(tmp_path / "cache", UV, limit_bytes=1)
    with (
        cache.environment(recipe(pins, "otherlib~=1.0.0")) as old,
        cache.environment(recipe(pins, "otherlib~=2.0.0")) as new,
    ):
        assert complete(tmp_path / "cache") == {old.key, new.key}
    with cache.environment(recipe(pins, "otherlib~=2.0.0")):
        assert complete(tmp_path / "cache") == {new.key}


def test_what_a_killed_process_left_is_removed(pins: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    killed = "import os, sys; from pathlib import Path; "
    killed += "from modelseal.temporary_outputs import Temporary; "
    killed += "Temporary(Path(sys.argv[1])).path.mkdir(); os._exit(9)"
    subprocess.run([sys.executable, "-c", killed, tmp_path / "cache" / "half"], check=False)
    assert len(complete(tmp_path / "cache")) == 2

    with EnvironmentCache(tmp_path / "cache", UV).environment(
        recipe(pins, "sidelib~=1.0.0")
    ) as one:
        assert complete(tmp_path / "cache") == {one.key}


def test_a_failure_leaves_nothing(pins: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pyproject.toml").write_text("[project]\n")

    with (
        pytest.raises(UvError, match="uv could not make the environment"),
        EnvironmentCache(tmp_path / "cache", UV).environment(
            recipe(pins, "sidelib~=1.0.0", first_party=(broken,))
        ),
    ):
        pass
    assert complete(tmp_path / "cache") == set()


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("toylib~=1.12.0\notherlib~=1.0.0", ("toylib", "otherlib")),
        ("absentlib~=1.0.0", ("absentlib",)),
        ("sidelib~=7.0.0", ("sidelib",)),
    ],
)
def test_a_collision_says_which(
    pins: Path,
    tmp_path: Path,
    text: str,
    packages: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Offline, uv cannot tell what does not exist from what its cache lacks.
    monkeypatch.delenv("UV_OFFLINE")
    with pytest.raises(UnsatisfiableError) as caught:
        EnvironmentCache(tmp_path / "cache", UV).resolve(recipe(pins, text))
    assert caught.value.packages == packages
    assert str(tmp_path) not in str(caught.value)
