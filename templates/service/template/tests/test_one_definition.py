"""The inputs are defined once: a line of `Record` adds or drops an input of every path."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from {{ package }} import schema

# In a process of its own, because the inputs are defined when the module is imported.
CHECK = """
import csv, json, pathlib
from {{ package }}.cli import app
from {{ package }}.schema import FEATURES
from modelseal import open_sealed
from typer.testing import CliRunner

for command in ("generate in.csv --rows 900", "train --data in.csv --out model --reports reports",
                "predict in.csv out.csv --model model"):
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.output
golden = open_sealed(pathlib.Path("model")).manifest.golden.inputs
with open("out.csv", newline="") as file:
    header = next(csv.reader(file))
print(json.dumps([list(FEATURES), header, sorted({str(one.get("region")) for one in golden})]))
"""

REGION = '    region: Literal["north", "south"]\n'
LIMIT = "    limit: Annotated[float | None, Field(ge=-5, le=5, examples=[1.5])] = None\n"
FIELDS = re.compile(r"^    [a-z_]+: (?:Annotated|Literal)\[.*\n", re.MULTILINE)


@pytest.mark.parametrize(
    ("old", "new", "features"),
    [
        ("", REGION + LIMIT, ["region", "limit", "amount", "hour", "items", "account_days", "channel"]),
        (r"    hour: .*\n", "", ["amount", "items", "account_days", "channel"]),
    ],
    ids=["add", "drop"],
)
def test_a_line_of_the_schema_changes_every_path(
    tmp_path: Path, old: str, new: str, features: list[str]
) -> None:
    package = tmp_path / "src" / "{{ package }}"
    shutil.copytree(Path(schema.__file__).parent, package)
    file = package / "schema.py"
    text = file.read_text(encoding="utf-8")
    start = FIELDS.search(text)
    assert start is not None
    head, fields = text[: start.start()], text[start.start() :]
    file.write_text(head + new + (re.sub(old, "", fields, count=1) if old else fields))

    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    header = [*features, "disputed", "probability", "prediction", "warnings"]
    regions = ["north", "south"] if new else ["None"]
    assert json.loads(done.stdout) == [features, header, regions]
