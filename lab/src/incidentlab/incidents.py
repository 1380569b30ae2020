"""The incidents: the environments that write and read a model, and how they differ.

Only this module names versions outside the pins. Each set of overrides replaces those pins in the
environment of ``requirements-prod.txt``.
"""

from dataclasses import dataclass
from typing import Final

Overrides = tuple[str, ...]

_PINNED: Final[Overrides] = ()
_NUMPY_2: Final[Overrides] = ("numpy~=2.2.6",)
_XGBOOST_3: Final[Overrides] = (
    "xgboost-cpu~=3.2.0; sys_platform == 'linux'",
    "xgboost~=3.2.0; sys_platform != 'linux'",
)
_PANDAS_3: Final[Overrides] = ("pandas~=3.0.0",)
_SKLEARN_1_6: Final[Overrides] = ("scikit-learn~=1.6.1",)
# LightGBM 4.5 does not work with scikit-learn 1.8; 4.6 works with both.
_SKLEARN_1_7: Final[Overrides] = ("scikit-learn~=1.7.2", "lightgbm~=4.6.0")
_SKLEARN_1_8: Final[Overrides] = ("scikit-learn~=1.8.0", "lightgbm~=4.6.0")


@dataclass(frozen=True, slots=True)
class Report:
    """An incident that was reported and is not measured here."""

    title: str
    before: float
    after: float
    source: str


REPORTED: Final = Report(
    title="numpy 2, as the ancestor's record tells it",
    before=0.4067,
    after=0.3891,
    source="the record that ADR-005 descends from",
)


@dataclass(frozen=True, slots=True)
class Incident:
    """One experiment.

    Attributes:
        name: Its name in results, tests and documents.
        title: Its title, for people.
        subject: The distribution that differs between writer and reader.
        writer: The pins that the training environment replaces.
        reader: The pins that the serving environment replaces.
        style: The style of the feature code, see `careless.features`.
    """

    name: str
    title: str
    subject: str
    writer: Overrides = _PINNED
    reader: Overrides = _PINNED
    style: str = "careful"


_XGBOOST: Final = "xgboost-cpu"

INCIDENTS: Final = (
    Incident("nothing", "the same versions, a fresh process", "numpy"),
    Incident("numpy-file", "numpy 2 reads the file", "numpy", reader=_NUMPY_2),
    Incident(
        "numpy-features",
        "numpy 2 runs the feature code",
        "numpy",
        reader=_NUMPY_2,
        style="compact",
    ),
    Incident("xgboost-newer-reads", "newer XGBoost reads the file", _XGBOOST, reader=_XGBOOST_3),
    Incident("xgboost-older-reads", "older XGBoost reads the file", _XGBOOST, writer=_XGBOOST_3),
    Incident(
        "sklearn-newer-reads",
        "next scikit-learn reads the file",
        "scikit-learn",
        reader=_SKLEARN_1_6,
    ),
    Incident(
        "sklearn-older-reads",
        "older scikit-learn reads the file",
        "scikit-learn",
        writer=_SKLEARN_1_8,
        reader=_SKLEARN_1_7,
    ),
    Incident("pandas-file", "pandas 3 feeds the model", "pandas", reader=_PANDAS_3),
    Incident(
        "pandas-features",
        "pandas 3 runs the feature code",
        "pandas",
        reader=_PANDAS_3,
        style="in-place",
    ),
)
