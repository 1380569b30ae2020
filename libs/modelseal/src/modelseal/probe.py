"""A fresh process that loads a model and predicts its golden inputs.

Run by `modelseal.seal` as ``python -m modelseal.probe MODEL REQUEST REPORT``. It answers two
questions that the training process cannot: does the model, as written, still answer the same,
and which distributions did that take? Files carry the question and the answer, because a library
may write anything to the standard streams.
"""

import sys
from pathlib import Path

from pydantic import BaseModel, JsonValue

from modelseal.distributions import installed_distributions, owners, required_by
from modelseal.errors import SealedModelError
from modelseal.golden import GoldenValue
from modelseal.loaders import loader_distribution, loader_source
from modelseal.opening import load_predictor

__all__ = ["ProbeReport", "ProbeRequest", "run"]


class ProbeRequest(BaseModel):
    """What to probe: a loader, the names of the model's files, and the golden inputs."""

    loader: str
    files: tuple[str, ...]
    inputs: tuple[JsonValue, ...]


class ProbeReport(BaseModel):
    """What the probe found.

    Attributes:
        refusal: Why the model did not load or predict; None where it did.
        outputs: What the model answered.
        environment: Every installed distribution, with its version.
        guarded: Those that own a module which loading and predicting brought in, and that the
            service requires, directly or not. A library may import another where it happens to
            be installed, such as matplotlib where a model is trained; what the service does not
            require is not there in production, and its answers cannot depend on it.
        source: The file that the loader's module was imported from.
    """

    refusal: str | None = None
    outputs: dict[str, tuple[GoldenValue, ...]] = {}
    environment: dict[str, str] = {}
    guarded: tuple[str, ...] = ()
    source: Path | None = None


def run(request: ProbeRequest, model: Path) -> ProbeReport:
    """Load the model in a folder, predict, and see what that took.

    What this module and its imports had loaded before belongs to the checker and is not guarded.
    """
    before = set(sys.modules)
    files = {name: (model / name).read_bytes() for name in request.files}
    try:
        predictor = load_predictor(request.loader, files)
        outputs = predictor.replay(request.inputs)
    except SealedModelError as error:
        return ProbeReport(refusal=str(error))
    except Exception as error:  # noqa: BLE001 - whatever the model raises is the finding
        return ProbeReport(refusal=f"Predicting raised {type(error).__name__}: {error}.")
    # A copy: looking up owners imports, too.
    loaded = sorted(set(sys.modules) - before)
    guarded = (owners(loaded) - owners(sorted(before))) & required_by(
        loader_distribution(request.loader)
    )
    return ProbeReport(
        outputs={name: tuple(values) for name, values in outputs.items()},
        environment=installed_distributions(),
        guarded=tuple(sorted(guarded)),
        source=loader_source(request.loader),
    )


def _main(model: Path, request: Path, report: Path) -> None:
    found = run(ProbeRequest.model_validate_json(request.read_bytes()), model)
    report.write_text(found.model_dump_json(), encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
