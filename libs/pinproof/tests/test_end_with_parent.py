"""Programs that pinproof starts end with it, even if it is killed."""

import subprocess
import sys
from pathlib import Path

import pytest
from pinproof.end_with_parent import end_with_parent

PARENT = """
import subprocess, sys
from pinproof.end_with_parent import end_with_parent
subprocess.run(end_with_parent([sys.executable, "-c", sys.argv[1]]), check=True)
"""
CHILD = "import time; print('started', flush=True); time.sleep(20); print('not ended')"


def test_a_program_gets_its_arguments_and_returns_its_status() -> None:
    code = "import sys; print(sys.argv[1:]); sys.exit(3)"

    run = subprocess.run(
        end_with_parent([sys.executable, "-c", code, "-I", "a b"]),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stdout) == (3, "['-I', 'a b']\n")


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\0")
    program.chmod(0o755)

    run = subprocess.run(
        end_with_parent([str(program)]), capture_output=True, text=True, check=False
    )

    assert run.returncode == 1
    assert run.stderr == f"{program} cannot be started (Exec format error)\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends programs with their parent")
def test_a_program_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"

        parent.kill()

        assert parent.stdout.read() == ""
