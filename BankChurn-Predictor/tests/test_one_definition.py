"""The inputs are defined once: other columns in `Customer` change every path, or none is sealed.

Each variant is a copy of the package whose `Customer` has other lines, trained, sealed, served and
compared by check_all_paths.py in a process of its own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bankchurn
import pytest
from bankchurn.model.predictor import AGREEMENT
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PACKAGE = Path(bankchurn.__file__).parent
CHECK = Path(__file__).with_name("check_all_paths.py")

FIELD = re.compile(r"^    [A-Z]\w+: (?:Annotated|Literal|Flag).*\n", re.MULTILINE)
FIELDS = tuple(FIELD.findall((PACKAGE / "schema.py").read_text(encoding="utf-8")))
NEW = (
    "    Segment: Literal['Retail', 'Private', 'Business']\n",
    "    Debt: Annotated[float, Between(-100, 1e6, example=1_500.5)]\n",
    "    Branch: Annotated[int, Between(1, 900, example=12)] | None = None\n",
    "    HasLoan: Flag\n",
)

# The request path in an order of its own, as a list that is kept by hand would have it.
ORDER = "    (name, _CODES[name].__getitem__ if name in _CODES else _number) for name in FEATURES\n"
OWN_ORDER = ORDER.replace("in FEATURES", "in (FEATURES[1], FEATURES[0], *FEATURES[2:])")


def check(fields: Sequence[str], folder: Path, *, own_order: bool = False) -> dict[str, Any]:
    """What check_all_paths.py finds of a package with these fields."""
    package = folder / "src" / "bankchurn"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    schema = (package / "schema.py").read_text(encoding="utf-8")
    first = schema.index(FIELDS[0])
    (package / "schema.py").write_text(
        schema[:first] + "".join(fields) + FIELD.sub("", schema[first:]), encoding="utf-8"
    )
    if own_order:
        features = (package / "features.py").read_text(encoding="utf-8")
        assert ORDER in features
        (package / "features.py").write_text(features.replace(ORDER, OWN_ORDER), encoding="utf-8")
    work = folder / "work"
    work.mkdir()
    process = subprocess.run(
        [sys.executable, CHECK, work],
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    found: dict[str, Any] = json.loads(process.stdout)
    found["stderr"] = process.stderr
    found["sealed"] = (work / "model").exists()
    found["left"] = sorted(path.name for path in work.iterdir() if path.name.startswith("."))
    return found


def name_of(field: str) -> str:
    return field.split(":", maxsplit=1)[0].strip()


def agrees(found: dict[str, Any], fields: Sequence[str]) -> None:
    assert found["code"] == 0, found["stderr"]
    assert found["features"] == [name_of(field) for field in fields]
    assert len(found["gaps"]) == 9
    assert max(found["gaps"].values()) <= AGREEMENT, found["gaps"]


def test_the_definition_is_ten_lines() -> None:
    assert tuple(map(name_of, FIELDS)) == bankchurn.schema.FEATURES


@pytest.mark.parametrize(
    ("field", "place"),
    [(NEW[0], 0), (NEW[1], 5), (NEW[2], len(FIELDS))],
    ids=["category", "number", "number or null"],
)
def test_one_line_adds_a_column_to_every_path(field: str, place: int, tmp_path: Path) -> None:
    fields = [*FIELDS[:place], field, *FIELDS[place:]]

    found = check(fields, tmp_path)

    agrees(found, fields)
    expected: dict[str, set[object]] = {
        "Segment": {"Retail", "Private", "Business"},
        "Debt": {-100, 1e6},
        "Branch": {1, 900, None},
    }
    golden: set[object] = {customer[name_of(field)] for customer in found["golden"]}
    assert golden >= expected[name_of(field)]


def test_requests_with_another_order_of_features_are_not_sealed(tmp_path: Path) -> None:
    found = check(FIELDS, tmp_path, own_order=True)

    assert found["code"] == 1
    assert "request_features" in found["stderr"]
    assert "Traceback" not in found["stderr"]
    assert not found["sealed"]
    assert found["left"] == []


definitions = st.permutations([*FIELDS, *NEW]).flatmap(
    lambda fields: st.integers(5, len(fields)).map(lambda size: tuple(fields[:size]))
)


# No shrinking: an example takes as long as a small training.
@settings(max_examples=2, deadline=None, database=None, phases=[Phase.explicit, Phase.generate])
@given(fields=definitions, own_order=st.booleans())
@example(fields=(*NEW[::-1], *FIELDS[:0:-2]), own_order=False)
def test_columns_in_any_order_agree_by_every_path_or_are_not_sealed(
    fields: tuple[str, ...], own_order: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = check(fields, Path(folder), own_order=own_order)
    if own_order:
        assert found["code"] == 1, found
        assert "Traceback" not in found["stderr"]
        assert not found["sealed"]
    else:
        agrees(found, fields)
