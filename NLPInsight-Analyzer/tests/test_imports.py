"""What a process loads, and what it must not: each in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

NEVER = ("torch", "transformers", "onnx", "pandas", "matplotlib", "hypothesis")
SCIKIT = ("sklearn", "scipy", "joblib")
ONNX = ("onnxruntime", "tokenizers")


def loaded_by(code: str, *arguments: Path) -> set[str]:
    show = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\n{show}", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


SERVE = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
from nlpinsight.api import Settings, create_app
from servicekit.testing import wait_until
settings = Settings.model_validate({"app_env": "test", "model_dir": Path(sys.argv[1])})
with TestClient(create_app(settings)) as client:
    wait_until(lambda: client.get("/ready").status_code == 200, "ready")
    assert client.post("/predict", json={"text": "up"}).status_code == 200
    assert client.post("/predict_batch", json={"texts": [{"text": "up"}]}).status_code == 200
"""


def test_serving_the_linear_model_loads_neither_scikit_learn_nor_onnxruntime(
    sealed: Path,
) -> None:
    loaded = loaded_by(SERVE, sealed)

    assert "nlpinsight" in loaded
    assert not loaded & {*NEVER, *SCIKIT, *ONNX}


def test_the_transformer_loads_neither_torch_nor_scikit_learn() -> None:
    loaded = loaded_by("import nlpinsight.backends.transformer, nlpinsight.api")

    assert {"onnxruntime", "tokenizers"} <= loaded
    assert not loaded & {*NEVER, *SCIKIT}


@pytest.mark.parametrize("module", ["nlpinsight.cli", "nlpinsight.cli.options"])
def test_the_help_imports_no_heavy_library(module: str) -> None:
    loaded = loaded_by(f"import {module}")

    assert not loaded & {*NEVER, *SCIKIT, *ONNX, "numpy", "fastapi"}


def test_evaluating_and_predicting_files_load_only_what_serving_loads() -> None:
    loaded = loaded_by(
        "import nlpinsight.evaluation.evaluation, nlpinsight.batch.predict_file, nlpinsight.explain"
    )

    assert not loaded & {*NEVER, *SCIKIT, *ONNX}
