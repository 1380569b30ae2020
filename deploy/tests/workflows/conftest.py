from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from workflows.recorded import Programs, lay


@pytest.fixture
def programs(tmp_path: Path) -> Callable[..., Programs]:
    return partial(lay, tmp_path / "programs")
