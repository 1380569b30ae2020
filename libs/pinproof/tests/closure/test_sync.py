"""Syncs repositories with a real uv, from hand-made wheels."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pinproof.check import check
from pinproof.closure.pinfile import MARKER_LINE
from pinproof.closure.refusals import SyncError
from pinproof.closure.sync import sync
from pinproof.closure.uv import UnsatisfiableError, UvError, UvOfflineError, find_uv
from pinproof.repository.closure_record import RECORD_FILE
from wheel_folder import UV, Wheels

Write = Callable[[Mapping[str, str]], Path]

POLICY = """
[policy]
pythons = ["3.11", "3.12"]
platforms = ["linux-x86_64", "linux-aarch64", "macos-arm64"]
services = ["service"]
"""
DEV = "-r requirements-prod.txt\n"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheels:
    made = Wheels(tmp_path)
    for name, text in made.environment.items():
        monkeypatch.setenv(name, text)
    return made


@pytest.fixture
def service(write: Write) -> Callable[..., Path]:
    """Write a repository with one service."""

    def write_service(prod: str, dev: str = DEV, policy: str = POLICY) -> Path:
        return write(
            {
                "pins.toml": policy,
                "service/requirements-prod.txt": prod,
                "service/requirements-dev.txt": dev,
            }
        )

    return write_service


def pins(root: Path, name: str = "prod", folder: str = "service") -> list[str]:
    """The transitive pins of a file."""
    text = (root / folder / f"requirements-{name}.txt").read_text()
    return text.partition(f"{MARKER_LINE}\n")[2].splitlines()


def test_everything_that_the_pins_lead_to_is_pinned_below_them(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(
        ("top", "1.2.3", "middle"),
        ("middle", "5.1", "Bottom_Thing<1"),
        ("bottom-thing", "0.0.7"),
        ("tool", "3.0.0", "calendar", "middle"),
        ("calendar", "2026.6"),
    )
    prod = "# chosen by people\ntop~=1.2.3   # with a comment\n"
    root = service(prod, f"{DEV}tool~=3.0.0\n")

    sync(root, UV)

    written = (root / "service/requirements-prod.txt").read_text()
    assert written == f"{prod}\n{MARKER_LINE}\nbottom-thing~=0.0.7.0\nmiddle~=5.1.0\n"
    assert pins(root, "dev") == ["calendar~=2026.6.0"]
    assert check(root).violations == ()


def test_the_record_tells_what_asks_for_what_and_nothing_of_this_machine(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(("top", "1.2.3", "middle"), ("middle", "5.1.0"))
    root = service("top~=1.2.3")

    sync(root, UV)

    text = (root / "service" / RECORD_FILE).read_text()
    assert json.loads(text) == {
        "format": 1,
        "pythons": ["3.11", "3.12"],
        "platforms": ["linux-x86_64", "linux-aarch64", "macos-arm64"],
        "excluded": [],
        "files": {
            "requirements-prod.txt": [
                {"pin": "middle~=5.1.0", "via": ["top"]},
                {"pin": "top~=1.2.3", "via": []},
            ],
            "requirements-dev.txt": [],
        },
    }
    assert str(wheels.folder) not in text


def test_syncing_again_changes_nothing(wheels: Wheels, service: Callable[..., Path]) -> None:
    wheels.add_all(("top", "1.2.3", "middle; sys_platform == 'linux'"), ("middle", "5.1.0"))
    root = service("top~=1.2.3")

    assert len(sync(root, UV)) == 2
    assert sync(root, UV) == []


def test_markers_are_written_where_environments_differ(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(
        (
            "top",
            "1.2.3",
            "a; platform_system == 'Linux'",
            "b; python_version < '3.12'",
            "c; python_full_version < '3.11.3' and platform_machine == 'arm64'",
            "d; sys_platform == 'win32'",
            "e>=2; python_version >= '3.12'",
            "e<2; python_version < '3.12'",
        ),
        *((name, "1.0.0") for name in "abcde"),
        ("e", "2.0.0"),
    )
    root = service("top~=1.2.3")

    sync(root, UV)

    assert pins(root) == [
        'a~=1.0.0; sys_platform == "linux"',
        'b~=1.0.0; python_version < "3.12"',
        'c~=1.0.0; sys_platform == "darwin" and python_full_version < "3.11.3"',
        'e~=1.0.0; python_version < "3.12"',
        'e~=2.0.0; python_version >= "3.12"',
    ]
    assert check(root).violations == ()


def test_development_pins_what_production_pins_only_elsewhere(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(
        ("top", "1.2.3", "shared; sys_platform == 'linux'"),
        ("tool", "1.0.0", "shared"),
        ("shared", "1.0.0"),
    )
    root = service("top~=1.2.3", f"{DEV}tool~=1.0.0")

    sync(root, UV)

    assert pins(root) == ['shared~=1.0.0; sys_platform == "linux"']
    assert pins(root, "dev") == ['shared~=1.0.0; sys_platform == "darwin"']
    assert check(root).violations == ()


@pytest.mark.parametrize("base", ["prod", "dev"])
def test_a_further_file_pins_what_the_file_that_it_builds_on_does_not(
    wheels: Wheels, write: Write, base: str
) -> None:
    wheels.add_all(
        ("top", "1.2.3", "middle"),
        ("middle", "5.1.0"),
        ("tool", "3.0.0", "calendar"),
        ("calendar", "2026.6.0"),
        ("torch", "2.13.0", "middle", "calendar", "sympy"),
        ("sympy", "1.14.0"),
    )
    root = write(
        {
            "pins.toml": POLICY,
            "service/requirements-prod.txt": "top~=1.2.3",
            "service/requirements-dev.txt": f"{DEV}tool~=3.0.0\n",
            "service/requirements-train.txt": f"-r requirements-{base}.txt\ntorch~=2.13.0\n",
        }
    )

    sync(root, UV)

    calendar = ["calendar~=2026.6.0"] if base == "prod" else []
    assert pins(root, "train") == [*calendar, "sympy~=1.14.0"]
    assert pins(root, "dev") == ["calendar~=2026.6.0"]
    assert check(root).violations == ()
    assert sync(root, UV) == []


def test_a_pin_that_holds_is_kept_when_newer_versions_appear(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(("top", "1.2.3", "middle"), ("middle", "5.1.0"))
    root = service("top~=1.2.3")
    sync(root, UV)
    wheels.add_all(("middle", "5.1.9"), ("middle", "5.2.0"), ("middle", "6.0.0"))

    assert sync(root, UV) == []
    assert pins(root) == ["middle~=5.1.0"]


def test_a_pin_is_upgraded_where_that_is_asked_for(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(("top", "1.2.3", "a", "b"), ("a", "1.0.0"), ("b", "1.0.0"))
    root = service("top~=1.2.3")
    sync(root, UV)
    wheels.add_all(("a", "2.0.0"), ("b", "2.0.0"))

    sync(root, UV, upgrade=["B"])

    assert pins(root) == ["a~=1.0.0", "b~=2.0.0"]


def test_only_the_pins_that_contradict_a_new_one_are_replaced(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(
        ("top", "1.2.3", "core==1.2.3", "a", "b"),
        ("top", "1.3.0", "core==1.3.0", "a", "b>=1.0.5"),
        ("core", "1.2.3"),
        ("core", "1.3.0"),
        ("a", "1.0.0"),
        ("b", "1.0.0"),
    )
    root = service("top~=1.2.3")
    sync(root, UV)
    wheels.add_all(("a", "2.0.0"), ("b", "1.0.5"), ("b", "2.0.0"))
    assert pins(root) == ["a~=1.0.0", "b~=1.0.0", "core~=1.2.3"]
    production = root / "service/requirements-prod.txt"
    production.write_text(production.read_text().replace("1.2.3", "1.3.0", 1))

    sync(root, UV)

    assert pins(root) == ["a~=1.0.0", "b~=1.0.0", "core~=1.3.0"]
    assert check(root).violations == ()


def test_a_pin_that_nothing_needs_any_more_is_removed(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(("top", "1.2.3", "middle"), ("middle", "5.1.0"), ("other", "1.0.0"))
    root = service("top~=1.2.3")
    sync(root, UV)
    production = root / "service/requirements-prod.txt"
    production.write_text(production.read_text().replace("top~=1.2.3", "other~=1.0.0"))

    sync(root, UV)

    assert production.read_text() == "other~=1.0.0\n"
    assert check(root).violations == ()


def test_a_pin_that_people_take_over_leaves_the_lower_part(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(("top", "1.2.3", "middle"), ("middle", "5.1.0"))
    root = service("top~=1.2.3")
    sync(root, UV)
    production = root / "service/requirements-prod.txt"
    production.write_text(f"middle~=5.1.0\n{production.read_text()}")

    sync(root, UV)

    assert production.read_text() == "middle~=5.1.0\ntop~=1.2.3\n"


def test_what_only_a_newer_patch_needs_is_pinned_too(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(
        ("top", "1.2.3", "middle", "old-need"),
        ("top", "1.2.4", "middle", "new-need"),
        ("middle", "5.1.0"),
        ("old-need", "1.0.0"),
        ("new-need", "1.0.0"),
    )
    root = service("top~=1.2.3")

    sync(root, UV)

    assert pins(root) == ["middle~=5.1.0", "new-need~=1.0.0", "old-need~=1.0.0"]
    assert sync(root, UV) == []


def test_a_new_pin_agrees_with_the_rest_of_the_repository_where_it_can(
    wheels: Wheels, write: Write
) -> None:
    wheels.add_all(("top", "1.2.3", "shared"), ("shared", "1.0.0"), ("shared", "2.0.0"))
    root = write(
        {
            "pins.toml": POLICY.replace('["service"]', '["one", "two"]'),
            "library/requirements.txt": "shared~=1.0.0",
            **{f"{name}/requirements-prod.txt": "top~=1.2.3" for name in ("one", "two")},
            **{f"{name}/requirements-dev.txt": DEV for name in ("one", "two")},
        }
    )

    sync(root, UV)

    assert pins(root, folder="one") == pins(root, folder="two") == ["shared~=1.0.0"]
    assert check(root).violations == ()


def test_what_is_excluded_is_neither_pinned_nor_missed(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(("top", "1.2.3", "gpu", "middle"), ("middle", "5.1.0"), ("gpu", "1.0.0", "big"))
    exclusion = """
[[exclusions]]
distribution = "GPU"
path = "service"
reason = "the images have none"
"""
    root = service("top~=1.2.3", policy=POLICY + exclusion)

    sync(root, UV)

    assert pins(root) == ["middle~=5.1.0"]
    assert check(root).violations == ()


def test_included_files_and_constraints_are_heeded(wheels: Wheels, write: Write) -> None:
    wheels.add_all(("top", "1.2.3", "middle"), ("base", "1.0.0", "middle"), ("middle", "5.1.0"))
    wheels.add("middle", "6.0.0")
    root = write(
        {
            "pins.toml": POLICY,
            "common/requirements.txt": "base~=1.0.0",
            "constraints.txt": "middle~=5.1.0",
            "service/requirements-prod.txt": (
                "-r ../common/requirements.txt\n-c ../constraints.txt\ntop~=1.2.3\n"
            ),
            "service/requirements-dev.txt": DEV,
        }
    )

    sync(root, UV)

    assert pins(root) == ["middle~=5.1.0"]
    assert check(root).violations == ()


def test_asking_what_would_change_changes_nothing(
    wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(("top", "1.2.3", "middle"), ("middle", "5.1.0"))
    root = service("top~=1.2.3\n")

    prod, record = sync(root, UV, write=False)

    assert (prod.path, prod.removed) == ("service/requirements-prod.txt", ())
    assert prod.added == ("", MARKER_LINE, "middle~=5.1.0")
    assert record.path == f"service/{RECORD_FILE}"
    assert (root / "service/requirements-prod.txt").read_text() == "top~=1.2.3\n"
    assert not (root / "service" / RECORD_FILE).exists()


def test_pins_that_collide_are_named(wheels: Wheels, service: Callable[..., Path]) -> None:
    wheels.add_all(("one", "1.0.0", "shared<2"), ("two", "1.0.0", "shared>=2"), ("shared", "1.0.0"))
    wheels.add("shared", "2.0.0")
    prod = "one~=1.0.0\ntwo~=1.0.0\n"
    root = service(prod)

    with pytest.raises(UnsatisfiableError) as caught:
        sync(root, UV)

    message = str(caught.value)
    assert message.startswith(
        "service/requirements-prod.txt: These requirements cannot be installed"
    )
    assert "versions of one depend on shared<2" in message
    assert "versions of two depend on shared>=2" in message
    assert (root / "service/requirements-prod.txt").read_text() == prod


def test_a_missing_uv_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UvError, match="There is no uv, neither"):
        find_uv(tmp_path)
    with pytest.raises(UvError, match="There is no uv at nowhere"):
        find_uv(tmp_path, Path("nowhere"))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "pins.toml names no service"),
        ({"pins.toml": POLICY}, "service/requirements-prod.txt is missing"),
        (
            {
                "pins.toml": POLICY,
                "service/requirements-prod.txt": "-e .\n-r nowhere.txt",
                "service/requirements-dev.txt": DEV,
            },
            "service/requirements-prod.txt:1: '-e .' is not a pin",
        ),
    ],
)
def test_files_that_cannot_be_resolved_are_refused(
    files: Mapping[str, str], reason: str, write: Write
) -> None:
    with pytest.raises(SyncError) as caught:
        sync(write(files), UV)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("prod", "place", "option"),
    [
        (f"top~=1.2.3 --hash=sha256:{'0' * 64}\n", "service/requirements-prod.txt:1", "--hash"),
        ("--require-hashes\ntop~=1.2.3\n", "service/requirements-prod.txt:1", "--require-hashes"),
        ("top~=1.2.3\n-r more.txt\n", "service/more.txt:2", "--hash"),
    ],
)
def test_hashes_are_refused_because_pip_would_refuse_the_pins_below_them(
    prod: str, place: str, option: str, wheels: Wheels, write: Write
) -> None:
    wheels.add_all(("top", "1.2.3", "middle"), ("middle", "5.1.0"))
    files = {
        "pins.toml": POLICY,
        "service/requirements-prod.txt": prod,
        "service/requirements-dev.txt": DEV,
        "service/more.txt": f"\nother==1.0 --hash=sha256:{'0' * 64}\n",
    }
    root = write(files)

    with pytest.raises(SyncError) as caught:
        sync(root, UV)

    assert caught.value.message.startswith(f"{place}: {option} makes pip refuse every requirement")
    assert (root / "service/requirements-prod.txt").read_text() == prod


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("middle2", "--upgrade: no service has a transitive pin of middle2."),
        ("Top", "--upgrade: top is a direct pin, which sync does not change: change its line."),
    ],
)
def test_an_upgrade_of_what_is_no_transitive_pin_is_a_mistake(
    name: str, message: str, wheels: Wheels, service: Callable[..., Path]
) -> None:
    wheels.add_all(("top", "1.2.3", "middle"), ("middle", "5.1.0"))
    root = service("top~=1.2.3\n")
    sync(root, UV)

    with pytest.raises(SyncError) as caught:
        sync(root, UV, upgrade=[name])

    assert caught.value.message == message
    assert caught.value.remedy == "Name one of the transitive pins: middle."


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize(
    "variables",
    [
        {"UV_OFFLINE": "1"},
        {"UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple/"},
        {"UV_DEFAULT_INDEX": "http://no-such-host.invalid/simple/"},
    ],
)
def test_offline_is_called_offline(
    variables: Mapping[str, str],
    service: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("UV_OFFLINE", "UV_NO_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    for name, text in variables.items():
        monkeypatch.setenv(name, text)

    with pytest.raises(UvOfflineError, match=r"because it is offline and its cache does not"):
        sync(service("top~=1.2.3\n"), UV)
