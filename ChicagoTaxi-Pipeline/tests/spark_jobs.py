"""What tests start Spark with, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from chicagotaxi.etl.engines.spark_check import missing_for_spark

ENVIRONMENT = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    # The job of a test is over before thorough compiling pays: without, it takes 40 % less.
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
SCRIPT = Path(__file__).with_name("run_engine.py")

needs_spark = pytest.mark.skipif(
    missing_for_spark() is not None, reason=missing_for_spark() or "Spark is there"
)


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
