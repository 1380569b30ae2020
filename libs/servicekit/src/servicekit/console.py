"""What a command prints, on any terminal."""

import sys
from io import TextIOWrapper

__all__ = ["print_anywhere"]


def print_anywhere() -> None:
    """Let a command print any text, whatever encoding its output has.

    A name, a file or a word of the data may hold characters that the output's encoding lacks, such
    as ASCII under ``PYTHONIOENCODING=ascii`` or a terminal without a locale. They are printed as
    escapes then: a command that did its work must not end in a traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        # Anything else that took a stream's place, as a test may, has no encoding to fail in.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
