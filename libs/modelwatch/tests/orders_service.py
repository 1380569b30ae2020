"""A small service whose ``train`` makes challengers that are better, worse or broken on request."""

import sys
from pathlib import Path

import numpy as np
from site_packages import SitePackages

MODEL = """
import json
import math
import os
import sys
from pathlib import Path


class Predictor:
    def __init__(self, settings):
        self.settings = settings

    def probability(self, row):
        weights = self.settings["weights"]
        margin = weights.get(row["country"], weights["any"]) * float(row["x"])
        if self.settings["kind"] == "leaked-truth":
            margin = 6 * (float(row["refunded"]) - 0.5)
        return 1 / (1 + math.exp(-margin))

    def replay(self, inputs):
        # Depends on a file that is not sealed with the model.
        shift = 0.1 if self.settings["kind"] == "unsealed-state" and Path("changed").exists() else 0
        return {"probability": [self.probability(row) + shift for row in inputs]}


def load(files):
    return Predictor(json.loads(files["model.json"]))
"""

COMMANDS = """
import csv
import json
import os
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path

from modelseal import GoldenSet, Tolerance, open_sealed, seal
from modelseal.errors import SealedModelError
from modelseal.manifest import read_manifest
from modelwatch.tracking.after_work import record_or_exit

WEIGHTS = {
    "champion": {"any": 1.0},
    "better": {"any": 2.0},
    "worse": {"any": 0.3},
    "equal": {"any": 1.0},
    "worse-in-spain": {"any": 2.0, "Spain": 0.6},
}


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def split(options):
    trained = set(read_manifest(Path(options.model))[0].data["rows"])
    rows = read(options.data)
    held_out = [row for row in rows if int(row["id"]) % 2 and row["id"] not in trained]
    kept = {row["id"] for row in held_out}
    write(options.training, [row for row in rows if row["id"] not in kept])
    write(options.held_out, held_out)


def train(options):
    kind = options.kind
    if kind == "crashes-in-training":
        raise RuntimeError("the solver does not converge")
    if kind == "unusable-data":
        sys.stderr.write("error: no column x\\n")
        sys.exit(2)
    rows = read(options.data) + (read(options.also) if options.also else [])
    settings = {"kind": kind, "weights": WEIGHTS.get(kind, WEIGHTS["better"])}
    inputs = [dict(id=str(n), x=str(n / 3), country="Spain", refunded="0") for n in range(5)]
    files = {"model.json": json.dumps(settings).encode()}
    if kind == "large":
        files["padding"] = bytes(10_000)
    from orders.model import load
    seal(
        Path(options.out), name="orders", version=f"1.0.0+{kind}", loader="orders", files=files,
        golden=GoldenSet(
            inputs=inputs,
            outputs=load(files).replay(inputs),
            tolerances={"probability": Tolerance(absolute=1e-9)},
        ),
        data={"rows": sorted(row["id"] for row in rows)}, metrics={}, parameters={"kind": kind},
    )
    Path(options.reports).mkdir(parents=True, exist_ok=True)
    (Path(options.reports) / "evaluation.json").write_text("{}")
    record_or_exit(Path(options.out), Path(options.reports))
    if kind == "does-not-open":
        (Path(options.out) / "model.json").write_text("{}")
    if kind == "unsealed-state":
        Path("changed").touch()


def score(options):
    try:
        opened = open_sealed(Path(options.model))
    except SealedModelError as error:
        sys.stderr.write(f"error: {error}\\n")
        sys.exit(1)
    kind = opened.predictor.settings["kind"]
    if kind == "killed-while-scoring":
        os.kill(os.getpid(), signal.SIGKILL)
    trained = set(opened.manifest.data["rows"])
    cpu_us = 90 if kind == "slow" else 30
    if kind == "slow-at-first" and not Path("scored").exists():
        Path("scored").touch()
        cpu_us = 90
    rows = []
    for number, row in enumerate(read(options.data)):
        probability = opened.predictor.probability(row)
        if kind == "answers-nan" and number == 7:
            probability = float("nan")
        rows.append({
            "row": row["id"],
            "trained_on": "yes" if row["id"] in trained else "no",
            "outcome": row["outcome"],
            "output.probability": repr(probability),
            "group.country": row["country"],
            "cpu_us": cpu_us if number < 50 else "",
        })
    write(options.scores, rows)


parser = ArgumentParser()
commands = parser.add_subparsers(required=True)
one = commands.add_parser("split")
one.add_argument("data")
for name in ("--model", "--training", "--held-out"):
    one.add_argument(name, required=True)
one.set_defaults(run=split)
one = commands.add_parser("train")
for name in ("--data", "--out", "--reports"):
    one.add_argument(name, required=True)
one.add_argument("--kind", default="better")
one.add_argument("--also")
one.set_defaults(run=train)
one = commands.add_parser("score")
one.add_argument("data")
one.add_argument("scores")
one.add_argument("--model", required=True)
one.set_defaults(run=score)
options = parser.parse_args()
options.run(options)
"""

SERVICE_FILE = """
package = "orders"

[challenge]
metric = "log_loss"
group_margin = 0.05
calibration_margin = 0.05
plausible_gain = 0.4

[challenge.task]
kind = "binary"
output = "probability"
"""


def install_service(site: Path) -> SitePackages:
    """Install the service into a folder of the import path."""
    code = {
        "orders/__init__.py": "",
        "orders/__main__.py": COMMANDS,
        "orders/model.py": MODEL,
    }
    return SitePackages(site).install(
        "orders", "1.0.0", code, loaders="\norders = orders.model:load\n"
    )


def write_service(folder: Path) -> Path:
    """A folder of the service, with its service.toml."""
    folder.mkdir()
    (folder / "service.toml").write_text(SERVICE_FILE, encoding="utf-8")
    return folder


def write_orders(path: Path, rows: int, *, first: int = 0) -> Path:
    """A table of orders whose outcome depends on x, with a column that contains the outcome."""
    random = np.random.default_rng(first)
    lines = ["id,x,country,outcome,refunded"]
    for number in range(first, first + rows):
        x, country = float(random.normal()), random.choice(["Spain", "France", "Italy", "Malta"])
        outcome = int(random.random() < 1 / (1 + np.exp(-2 * x)))
        lines.append(f"{number},{x!r},{country},{outcome},{outcome}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def service_command(*arguments: str | Path) -> list[str]:
    """A command of the service."""
    return [sys.executable, "-m", "orders", *map(str, arguments)]
