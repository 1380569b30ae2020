"""Loads a sealed model without checking its seal, and predicts its golden inputs.

`replay.py MODEL REPORT` shows what would happen to a service without a seal. It is for evidence
only, and runs only in a separate process.
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
    """The step at which the model fails, or its predictions; and whether its seal opens."""
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
        # The library has another name in this environment: the model does not load.
        return answer | {"code": LoadError.code, "message": error.message}
    except SealedModelError as error:
        return answer | {"code": error.code, "message": error.message}
    try:
        outputs = predictor.replay(manifest.golden.inputs)
    except Exception as error:  # noqa: BLE001 - any error of the model is a result
        return answer | {"code": "predict", "message": f"{type(error).__name__}: {error}."}
    return answer | {"outputs": {name: list(values) for name, values in outputs.items()}}


if __name__ == "__main__":
    # The folder of this file. Python 3.10 has no option for it.
    sys.path.pop(0)
    Path(sys.argv[2]).write_text(json.dumps(replay(Path(sys.argv[1]))), encoding="utf-8")
