"""Loads a sealed model without asking whether the environment is one that it was proven in.

`replay.py MODEL REPORT`: for evidence only, and only in a process of its own. What it finds is
what would happen to a service that nobody guards.
"""

import json
import sys
from pathlib import Path

from modelseal.errors import LoadError, SealedModelError, UnsafePickleError
from modelseal.loaders import find_loader
from modelseal.manifest import read_manifest
from modelseal.model_files import read_files
from modelseal.opening import load_predictor, open_sealed


def replay(model: Path) -> "dict[str, object]":
    """Where it fails and why, or what the model answers; and whether its seal would open."""
    manifest, _ = read_manifest(model)
    answer: dict[str, object] = {"code": None, "message": "", "outputs": {}, "refusal": None}
    try:
        open_sealed(model)
    except SealedModelError as refusal:
        answer |= {"refusal": refusal.code, "refusal_message": refusal.message}
    try:
        find_loader(manifest.loader)
        predictor = load_predictor(manifest.loader, read_files(model, manifest))
    except UnsafePickleError as error:
        # A library pickled under a name that it does not have here: the model does not load.
        return answer | {"code": LoadError.code, "message": error.message}
    except SealedModelError as error:
        return answer | {"code": error.code, "message": error.message}
    try:
        outputs = predictor.replay(manifest.golden.inputs)
    except Exception as error:  # noqa: BLE001 - whatever the model raises is the finding
        return answer | {"code": "predict", "message": f"{type(error).__name__}: {error}."}
    return answer | {"outputs": {name: list(values) for name, values in outputs.items()}}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(replay(Path(sys.argv[1]))), encoding="utf-8")
