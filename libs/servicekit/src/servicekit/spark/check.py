"""Checks what Spark needs, without importing it."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from typing import Final

JAVA: Final = 17

# What Spark itself imports for Arrow.
_PACKAGES: Final = ("pyspark", "pyarrow", "pandas")


def missing_for_spark(*, install: str, instead: str) -> str | None:
    """The reason why Spark cannot start here, and the remedy; None if it can.

    Args:
        install: Command that installs the packages.
        instead: Option that does without Spark.
    """
    if any(find_spec(name) is None for name in _PACKAGES):
        return (
            f"Spark is not installed. Install it with: {install} (requirements-spark.txt), or use "
            f"{instead}."
        )
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    remedy = f"Install Java {JAVA} (for example openjdk-{JAVA}-jre-headless) or use {instead}."
    if java is None:
        return f"Spark needs Java, which is neither on PATH nor in JAVA_HOME. {remedy}"
    try:
        found = subprocess.run([java, "-version"], capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        return f"Spark needs Java, and {java} does not run: {error}. {remedy}"
    version = found.stderr.partition('"')[2].partition(".")[0].partition('"')[0]
    if not version.isdigit() or int(version) < JAVA:
        return f"Spark needs Java {JAVA} or newer, and {java} is {version or 'unknown'}. {remedy}"
    return None
