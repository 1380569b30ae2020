"""What is removed from environments of images; no image is needed."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from finish import slim, truncate

LOAD = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("yaml._yaml", sys.argv[1])
module = module_from_spec(spec)
spec.loader.exec_module(module)
print(module.get_version_string())
"""


def test_a_shared_object_without_its_symbols_is_smaller_and_works(tmp_path: Path) -> None:
    spec = find_spec("yaml._yaml")
    assert spec is not None
    assert spec.origin is not None
    library = Path(shutil.copy(spec.origin, tmp_path))
    before = library.stat().st_size

    removed = truncate(library)

    assert removed > 100_000
    assert library.stat().st_size == before - removed
    command = [sys.executable, "-c", LOAD, str(library)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout[:2] == "0."
    assert truncate(library) == 0


def test_named_parts_and_sources_are_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = [
        "numpy/a.py",
        "numpy/ma/b.so",
        "scipy/stats/c.py",
        "x/tests/d.py",
    ]
    gone = ["numpy/f2py/e.py", "numpy/ma/tests/f.py", "x/g.pyi", "sklearn/datasets/data/h.csv"]
    for name in (*kept, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text", encoding="utf-8")

    assert slim(tmp_path) == 4 * len(gone)

    found = [
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    ]
    assert sorted(found) == sorted(kept)
