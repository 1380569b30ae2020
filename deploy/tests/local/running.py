"""`make up` and `make down`."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "deploy/local/services.py"


class Local:
    """`make up` and `make down`, with a state of their own."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, str(TOOL), "--state", str(self.state), *map(str, arguments)]

    def __call__(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
