"""The environment of fine-tuning, which is not installed where models are served."""

import importlib.util
import os
from typing import Final

from servicekit.files import DataError

TRAIN_ENVIRONMENT: Final = "make train-env-NLPInsight-Analyzer"


def check_torch() -> None:
    """Check that torch is installed, and configure it. Call before torch is imported.

    Raises:
        DataError: It is not installed; the message says how to install it.
    """
    if importlib.util.find_spec("torch") is None:
        raise DataError(
            "Fine-tuning and exporting need torch, which is not installed here and never where a "
            f"model is served. Install it from the root of the repository: {TRAIN_ENVIRONMENT}."
        )
    # torch reads this when it is loaded. By default, waiting threads spin, which makes steps many
    # times slower on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
