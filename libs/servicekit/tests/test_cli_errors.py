"""The messages and exit codes of commands."""

import subprocess
import sys
from pathlib import Path

import pytest
from modelseal import SealError
from servicekit.cli_errors import handle_errors
from servicekit.files import DataError, TryLaterError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SealError("It fits nothing.", remedy="Train again."), 1),
        (DataError("x.csv has no header. Give one."), 2),
        (TryLaterError("The portal does not answer. Try later."), 75),
    ],
)
def test_an_expected_error_becomes_a_message_and_an_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, handle_errors():
        raise error

    assert ended.value.code == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_an_unusable_path_is_a_message_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SystemExit) as ended, handle_errors():
        (tmp_path / "file" / "inside").read_bytes()

    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/file/inside cannot be used: Not a directory. Check the path and its "
        "permissions.\n"
    )


def test_an_unexpected_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), handle_errors():
        1 / 0  # noqa: B018


SIGTERM_DURING_AN_IMPORT = """
import os, signal
from servicekit.cli_errors import handle_errors

with handle_errors():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        while True:
            pass
    except BaseException as error:
        {}
"""


@pytest.mark.parametrize(
    "what", ["raise", "raise ImportError('cannot load the library') from error"]
)
def test_sigterm_ends_a_command_with_143_even_if_an_import_converts_it(what: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGTERM_DURING_AN_IMPORT.format(what)],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (143, b"", b"")
