"""What tests start Spark with, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from servicekit.testing.spark_run import ENVIRONMENT

SCRIPT = Path(__file__).with_name("run_engine.py")


def run_engine(name: str, master: str, inputs: list[Path], out: Path) -> str:
    environment = os.environ | {
        **ENVIRONMENT,
        "PYTHONPATH": str(SCRIPT.parent),
        "PYSPARK_PYTHON": sys.executable,
    }
    command = [sys.executable, *map(str, (SCRIPT, name, master, out, *inputs))]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=850
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()
