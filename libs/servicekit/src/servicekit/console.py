"""Output on terminals and files of any encoding."""

import sys
from io import TextIOWrapper


def escape_unencodable() -> None:
    """Print characters that the output's encoding lacks as escapes.

    A name or a word of the data may hold such characters, for example with
    ``PYTHONIOENCODING=ascii`` or in a terminal without a locale. A command that did its work must
    not end in a traceback because of them.
    """
    for stream in (sys.stdout, sys.stderr):
        # A replacement of the stream, as in a test, has no encoding that could fail.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
