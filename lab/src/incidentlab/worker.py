"""The process that trains or reads a model in one environment.

Run by the laboratory as ``python -m incidentlab.worker REQUEST ANSWER``. Request and answer are
files, because libraries may write anything to the standard streams.
"""

import io
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import joblib
import numpy as np
import pandas as pd
from careless.features import CATEGORIES, NUMBERS
from careless.model import MODEL_FILE, OUTPUT, TARGET, Model, Probabilities
from modelseal import GoldenSet, SealedModelError, Tolerance, open_sealed, seal
from modelseal.distributions import installed_distributions
from modelseal.errors import GoldenMismatchError, PredictError
from modelseal.golden import differences
from modelseal.manifest import read_manifest
from modelseal.model_files import read_files
from modelseal.opening import load_predictor
from sklearn.metrics import roc_auc_score

from incidentlab.protocol import Answer, Opening, Read, Reading, Request, Served, Write, Writing

_GOLDEN_CUSTOMERS = 24
_GOLDEN_UNKNOWN = 8
# Trees of the same file give the same sums; this leaves room for the last bits only.
_TOLERANCE = Tolerance(absolute=1e-9)
# Warnings of libraries that Python hides by default.
_HIDDEN_BY_DEFAULT = (
    DeprecationWarning,
    PendingDeprecationWarning,
    ImportWarning,
    ResourceWarning,
)
# XGBoost begins its messages with the time and the position in its source.
_WHEN_AND_WHERE = re.compile(r"\[\d\d:\d\d:\d\d\] WARNING: \S+: ")


def _write(request: Write) -> Writing:
    training, scored = _customers(request.training), _customers(request.scored)
    model = Model.fit(training, request.style, trees=request.trees)
    probabilities = model.probabilities(scored)
    pickled = io.BytesIO()
    joblib.dump(model, pickled)
    seal(
        request.model,
        name="careless",
        version="1.0.0",
        loader="careless",
        files={MODEL_FILE: pickled.getvalue()},
        golden=_golden(scored, probabilities),
        data={"training_rows": len(training)},
        metrics={"auc": float(roc_auc_score(scored[TARGET], probabilities))},
        parameters={"style": request.style, "trees": request.trees},
    )
    return Writing(probabilities=tuple(probabilities.tolist()), versions=installed_distributions())


def _golden(scored: pd.DataFrame, probabilities: Probabilities) -> GoldenSet:
    """Customers over the range of probabilities, and some of unknown tenure."""
    ranked = np.argsort(probabilities)
    spread = ranked[np.linspace(0, len(ranked) - 1, _GOLDEN_CUSTOMERS).astype(int)]
    unknown = np.flatnonzero(scored["Tenure"].isna())[:_GOLDEN_UNKNOWN]
    chosen = list(dict.fromkeys([*spread.tolist(), *unknown.tolist()]))
    table = scored[[*NUMBERS, *CATEGORIES]].iloc[chosen]
    inputs = table.astype(object).where(table.notna(), None).to_dict("records")
    return GoldenSet(
        inputs=tuple({str(name): value for name, value in row.items()} for row in inputs),
        outputs={OUTPUT: tuple(probabilities[chosen].tolist())},
        tolerances={OUTPUT: _TOLERANCE},
    )


def _read(request: Read) -> Reading:
    # The guard comes first, because nothing may be unpickled before it, and XGBoost warns only once
    # in a process.
    opening = _ask(lambda: open_sealed(request.model))
    served = _serve(request)
    golden = _ask(lambda: _replay(request.model))
    return Reading(
        opening=opening, served=served, golden=golden, versions=installed_distributions()
    )


def _serve(request: Read) -> Served:
    """Load and predict, as a service without a guard does."""
    scored = _customers(request.scored)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for hidden in _HIDDEN_BY_DEFAULT:
            warnings.simplefilter("ignore", hidden)
        try:
            model: Model = joblib.load(request.model / MODEL_FILE)
        except Exception as error:  # noqa: BLE001 - any error is the finding
            return _failed("load", error)
        try:
            probabilities = model.probabilities(scored)
        except Exception as error:  # noqa: BLE001 - the same
            return _failed("predict", error)
    texts = dict.fromkeys(f"{one.category.__name__}: {one.message}" for one in caught)
    return Served(
        probabilities=tuple(probabilities.tolist()),
        warnings=tuple(map(_without_paths, texts)),
    )


def _failed(stage: Literal["load", "predict"], error: Exception) -> Served:
    return Served(fails_at=stage, error=_without_paths(f"{type(error).__name__}: {error}"))


def _without_paths(text: str) -> str:
    """Remove times and paths, which differ between runs and machines."""
    return _WHEN_AND_WHERE.sub("", text.replace(f"{sys.prefix}/", ""))


def _replay(folder: Path) -> None:
    """Open a model without the check of versions."""
    manifest, _ = read_manifest(folder)
    predictor = load_predictor(manifest.loader, read_files(folder, manifest))
    try:
        answers = predictor.replay(manifest.golden.inputs)
    except Exception as error:
        raise PredictError(f"{type(error).__name__}: {error}.", remedy="") from error
    moved = differences(manifest.golden, answers)
    if moved:
        raise GoldenMismatchError("; ".join(moved), remedy="")


def _ask(guard: Callable[[], object]) -> Opening:
    before = _unpickling.seen
    refusal: SealedModelError | None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            guard()
        except SealedModelError as error:
            refusal = error
        else:
            refusal = None
    return Opening(
        code=refusal.code if refusal else None,
        message=_without_paths(refusal.message) if refusal else None,
        unpickled=_unpickling.seen > before,
    )


class _Unpickling:
    """Counts the globals that unpickling looks up in this process, by Python's audit events."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, event: str, _arguments: object) -> None:
        self.seen += event == "pickle.find_class"


_unpickling = _Unpickling()


def _customers(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, float_precision="round_trip")


def _main(request: Path, answer: Path) -> None:
    sys.addaudithook(_unpickling)
    asked = Request.model_validate_json(request.read_bytes()).content
    content = _write(asked) if isinstance(asked, Write) else _read(asked)
    answer.write_text(Answer(content=content).model_dump_json(), encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
