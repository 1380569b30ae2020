"""A sync that is killed leaves the files as they were, or some new and the check red, or done."""

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pinproof.check import check
from pinproof.closure.sync import sync
from pinproof.repository.closure_record import RECORD_FILE
from wheel_folder import UV, Wheels

Write = Callable[[Mapping[str, str]], Path]

FILES = ["requirements-prod.txt", "requirements-dev.txt", RECORD_FILE]

# Syncs, and is killed when it is about to rename its Nth file.
KILLED = """
import os, signal, sys
from pathlib import Path
from pinproof.closure.sync import sync

root, uv, survives = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
replace = Path.replace

def replace_or_die(self, target):
    global survives
    if survives == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    survives -= 1
    return replace(self, target)

Path.replace = replace_or_die
sync(root, uv)
"""


@pytest.mark.parametrize("survives", range(len(FILES)))
def test_a_sync_that_is_killed_between_files_is_reported_and_repaired(
    survives: int, write: Write, tmp_path: Path
) -> None:
    wheels = Wheels(tmp_path)
    wheels.add_all(
        ("top", "1.2.3", "middle"),
        ("top", "1.3.0", "middle", "other"),
        ("tool", "1.0.0", "helper"),
        ("tool", "1.1.0", "helper"),
        *((name, "1.0.0") for name in ("middle", "other", "helper")),
        ("helper", "1.1.0"),
    )
    root = write(
        {
            "pins.toml": '[policy]\nservices = ["service"]\n',
            "service/requirements-prod.txt": "top~=1.2.3\n",
            "service/requirements-dev.txt": "-r requirements-prod.txt\ntool~=1.0.0\n",
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, text in wheels.environment.items():
            patch.setenv(name, text)
        sync(root, UV)
        for name, old, new in (
            ("requirements-prod.txt", "top~=1.2.3", "top~=1.3.0"),
            ("requirements-dev.txt", "tool~=1.0.0", "tool~=1.1.0\nhelper~=1.1.0"),
        ):
            path = root / "service" / name
            path.write_text(path.read_text().replace(old, new))
        before = texts(root)

        run = subprocess.run(
            [sys.executable, "-c", KILLED, str(root), str(UV), str(survives)], check=False
        )

        assert run.returncode == -signal.SIGKILL
        halfway = texts(root)
        assert check(root).violations
        sync(root, UV)

    after = texts(root)
    assert check(root).violations == ()
    assert all(t in (old, new) for old, t, new in zip(before, halfway, after, strict=True))
    assert [old != text for old, text in zip(before, halfway, strict=True)] == [
        number < survives for number in range(len(FILES))
    ]
    assert sorted(path.name for path in (root / "service").iterdir()) == sorted(FILES)


def texts(root: Path) -> list[str]:
    return [(root / "service" / name).read_text() for name in FILES]
