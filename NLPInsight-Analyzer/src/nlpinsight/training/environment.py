"""What fine-tuning needs of the machine it runs on. Imports nothing of it."""

import importlib.util
import os
from typing import Final

from servicekit.files import DataError

__all__ = ["prepare"]

_MODULES: Final = ("torch", "transformers", "onnx", "onnxscript")


def prepare() -> None:
    """Check that the training environment is there, and be a good neighbour in it.

    To be called before anything of `nlpinsight.training` that needs torch is imported: torch reads
    when it is loaded how its threads are to wait. By default they wait by computing nothing as fast
    as they can, which on a machine that has other work to do made steps several times slower.

    Raises:
        DataError: Something is not installed.
    """
    missing = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise DataError(
            f"Training a transformer needs {', '.join(missing)}, which only training needs and "
            "which is not installed. Run: make train-env-NLPInsight-Analyzer."
        )
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
