import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from servicekit.console import escape_unencodable
escape_unencodable()
print("a \\u2019 \\u00e9")
print("\\u00e9", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("encoding", "out", "err"),
    [
        ("ascii", b"a \\u2019 \\xe9\n", b"\\xe9\n"),
        ("latin-1", b"a \\u2019 \xe9\n", b"\xe9\n"),
        ("utf-8", b"a \xe2\x80\x99 \xc3\xa9\n", b"\xc3\xa9\n"),
    ],
)
def test_a_command_prints_any_text_in_any_encoding(encoding: str, out: bytes, err: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == (out, err)
