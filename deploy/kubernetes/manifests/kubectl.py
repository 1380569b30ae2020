"""Runs kubectl in the namespace of the services."""

import os
import shutil
import subprocess
import sys
from typing import Protocol

from manifests.errors import RenderError
from manifests.render import NAMESPACE

__all__ = ["Kubectl", "KubectlProgram", "say"]


class Kubectl(Protocol):
    """Runs kubectl against one cluster."""

    def ask(self, *words: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command and capture its output.

        Args:
            words: The command line after the program, without context and namespace.
            text: Standard input.
        """
        ...

    def show(self, *words: str, text: str | None = None) -> bool:
        """Run a command that prints its output; whether it succeeded."""
        ...


class KubectlProgram:
    """The program kubectl.

    Args:
        context: Context of kubectl; the current one if None.

    Raises:
        RenderError: kubectl is not installed.
    """

    def __init__(self, context: str | None) -> None:
        program = shutil.which(os.environ.get("KUBECTL", "kubectl"))
        if program is None:
            raise RenderError("kubectl is not installed: install it, or set KUBECTL to its path")
        self._command = [
            program, *([f"--context={context}"] if context else []), f"--namespace={NAMESPACE}",
        ]  # fmt: skip

    def ask(self, *words: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command and capture its output."""
        return subprocess.run(  # noqa: S603
            [*self._command, *words], input=text, capture_output=True, text=True, check=False
        )

    def show(self, *words: str, text: str | None = None) -> bool:
        """Run a command that prints its output; whether it succeeded."""
        command = [*self._command, *words]
        return subprocess.run(command, input=text, text=True, check=False).returncode == 0  # noqa: S603


def say(text: str) -> None:
    """Print progress on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
