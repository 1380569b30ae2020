"""Allow-list for the pipeline's pickle: the classes and functions that a stack holds.

Whole packages are not allowed: scikit-learn, numpy and the boosters have functions that read files,
compile or call others. The pipeline of `bankchurn.model.stack`, as joblib writes it, uses every
entry; a test fails for unused ones.

The private functions that rebuild numpy's arrays move between releases, so they are collected from
a pickle made in this process.
"""

import io
import pickle
from collections import OrderedDict, defaultdict
from typing import Any, Final

import lightgbm
import numpy as np
import xgboost
from joblib.numpy_pickle import NumpyArrayWrapper
from modelseal.restricted_pickle import AllowedGlobals, name_of
from sklearn._loss._loss import CyHalfBinomialLoss
from sklearn._loss.link import Interval, LogitLink
from sklearn._loss.loss import HalfBinomialLoss
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.tree._tree import Tree
from sklearn.utils import Bunch

from bankchurn.features import CustomerEncoder
from bankchurn.model.stack import ForestMargin, LightGBMMargin, XGBoostMargin


class _Namer(pickle.Unpickler):
    """Unpickles trusted bytes and collects the objects that they name."""

    def __init__(self, pickled: bytes) -> None:
        super().__init__(io.BytesIO(pickled))
        self.named: set[Any] = set()

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        found = super().find_class(module, name)
        self.named.add(found)
        return found


def _named_by(one: object) -> frozenset[Any]:
    """The objects that the pickle of an object names."""
    namer = _Namer(pickle.dumps(one, protocol=5))
    namer.load()
    return frozenset(namer.named)


def _bytes_in_an_array(contents: bytes) -> bytearray:
    """Replace `bytearray` in pickles; the original also takes a size in bytes."""
    if not isinstance(contents, bytes):
        raise TypeError(f"bytearray({contents!r}) in a pickle")
    return bytearray(contents)


_REFERENCES: Final = frozenset({np.ndarray, OrderedDict})

# The functions of numpy and scikit-learn that rebuild arrays, numbers, random states and losses.
_REBUILDERS: Final = _named_by(
    [np.array([None]), np.float64(0), np.random.RandomState(0), CyHalfBinomialLoss()]
)

_INSTANCES: Final = frozenset(
    {
        *(CustomerEncoder, ForestMargin, LightGBMMargin, XGBoostMargin),
        *(
            DecisionTreeClassifier,
            DecisionTreeRegressor,
            DummyClassifier,
            GradientBoostingClassifier,
        ),
        *(Bunch, LabelEncoder, LogisticRegression, Pipeline, StackingClassifier, StratifiedKFold),
        *(HalfBinomialLoss, Interval, LogitLink),
        *(lightgbm.Booster, xgboost.Booster, NumpyArrayWrapper),
    }
)

_CALLS: Final = (_REBUILDERS | {Tree, _bytes_in_an_array, defaultdict}) - _REFERENCES

PIPELINE_GLOBALS: Final = AllowedGlobals(
    instances=_INSTANCES,
    calls=_CALLS,
    references=_REFERENCES,
    renamed=(
        ("builtins:bytearray", _bytes_in_an_array),
        # Models sealed before 2026-11-29 name the learners' former module.
        *(
            (f"bankchurn.stack:{learner.__qualname__}", learner)
            for learner in (ForestMargin, LightGBMMargin, XGBoostMargin)
        ),
        # Trials of upgrades read models of numpy 1 under numpy 2.
        *((name_of(one).replace("numpy._core.", "numpy.core."), one) for one in _REBUILDERS),
    ),
)
