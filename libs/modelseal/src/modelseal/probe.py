"""A fresh process that loads a model and predicts its golden inputs.

`modelseal.seal` runs it as ``python -m modelseal.probe MODEL REQUEST REPORT``. It finds out what
the training process cannot: whether the written files give the same answers, and which
distributions are loaded for that. Request and report are files, because libraries may print to
the standard streams.
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
    """The loader, the names of the model's files, and the golden inputs."""

    loader: str
    files: tuple[str, ...]
    inputs: tuple[JsonValue, ...]


class ProbeReport(BaseModel):
    """The result of the probe.

    Attributes:
        refusal: Why the model did not load or predict; None if it did.
        outputs: The answers of the model.
        environment: Versions of all installed distributions by name.
        guarded: Distributions that loading and predicting imported, and that the service requires,
            directly or indirectly. A library may import another only because it is installed,
            such as matplotlib for training; production lacks what the service does not require,
            so that its answers cannot depend on it.
        source: File of the loader's module.
    """

    refusal: str | None = None
    outputs: dict[str, tuple[GoldenValue, ...]] = {}
    environment: dict[str, str] = {}
    guarded: tuple[str, ...] = ()
    source: Path | None = None


def run(request: ProbeRequest, model: Path) -> ProbeReport:
    """Load the model in a folder, predict, and find the distributions that this imported.

    Modules that were loaded before belong to modelseal, and their distributions are not guarded.
    """
    before = set(sys.modules)
    files = {name: (model / name).read_bytes() for name in request.files}
    try:
        predictor = load_predictor(request.loader, files)
        outputs = predictor.replay(request.inputs)
    except SealedModelError as error:
        return ProbeReport(refusal=str(error))
    except Exception as error:  # noqa: BLE001 - any error is a result
        return ProbeReport(refusal=f"Predicting raised {type(error).__name__}: {error}.")
    # Before `owners`, which imports modules itself.
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
