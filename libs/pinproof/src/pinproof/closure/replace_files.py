"""Replaces several files as one change, as far as a file system allows."""

import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from modelseal.temporary_outputs import Temporary


def replace_files(texts: Mapping[Path, str]) -> None:
    """Write every text to a temporary file, and then rename all of them, in order.

    Each file is at any time either the old or the new one. If the process is killed before the
    first renaming, nothing changes. If it is killed between two, some files are new and others
    old; so the last file should be the one that tells whether the others belong together.
    """
    with ExitStack() as stack:
        written: list[Temporary] = []
        for path, text in texts.items():
            # A link stays, and its target is replaced.
            target = path.resolve()
            temporary = stack.enter_context(Temporary(target))
            with temporary.path.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, temporary.path)
            written.append(temporary)
        for temporary in written:
            temporary.put_file()
