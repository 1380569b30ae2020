"""Writes the fitted pipeline with joblib, and reads it with an allow-list.

The file is a pickle, compressed with zlib. Each `NumpyArrayWrapper` in it is followed by the bytes
of an array, or by another pickle if the array holds objects. joblib's reader imports everything
that a pickle names; here, `modelseal.restricted_pickle` reads all pickles with `PIPELINE_GLOBALS`.
"""

import io
import math
import zlib
from typing import IO, Any, Final

import joblib
import lightgbm
import numpy as np
import xgboost
from joblib.numpy_pickle import NumpyArrayWrapper
from modelseal.restricted_pickle import RestrictedUnpickler, refuse
from sklearn.ensemble import GradientBoostingClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from bankchurn.features import CustomerEncoder
from bankchurn.model.pipeline_globals import PIPELINE_GLOBALS
from bankchurn.model.stack import LEARNERS, ForestMargin, LightGBMMargin, XGBoostMargin

FILE_NAME: Final = "pipeline.joblib"

# A hundred times the size of a pipeline.
MAX_BYTES: Final = 256 * 2**20

_LEARNERS: Final = (ForestMargin, GradientBoostingClassifier, XGBoostMargin, LightGBMMargin)


def write_pipeline(pipeline: Pipeline) -> bytes:
    """Write a fitted pipeline to bytes."""
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=("zlib", 3))
    return buffer.getvalue()


def read_pipeline(contents: bytes) -> Pipeline:
    """Read what `write_pipeline` wrote.

    Raises:
        UnsafePickleError: It names, makes or calls something that a fitted pipeline does not hold,
            or is not a pipeline of `bankchurn.model.stack`.
        ValueError: It is not compressed with zlib, is truncated, or is too large.
    """
    pipeline = PipelineUnpickler(io.BytesIO(unpack(contents))).load()
    if not _is_pipeline(pipeline):
        refuse(FILE_NAME, "is not a fitted pipeline")
    return pipeline


def unpack(contents: bytes) -> bytes:
    """Decompress the pickle in a pipeline's file.

    Raises:
        ValueError: It is not compressed with zlib, is truncated, or is too large.
    """
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(contents, MAX_BYTES)
    except zlib.error as error:
        raise ValueError(f"{FILE_NAME} is not compressed with zlib: {error}") from error
    if not unpacker.eof:
        raise ValueError(f"{FILE_NAME} is truncated, or larger than {MAX_BYTES:,} bytes unpacked")
    return unpacked


class PipelineUnpickler(RestrictedUnpickler):
    """Reads a pipeline's pickle with its arrays.

    Args:
        file: The unpacked pickle.
        nested: Whether it is the pickle of an array of objects, where numpy's own pickle format
            holds for inner arrays.
    """

    def __init__(self, file: IO[bytes], *, nested: bool = False) -> None:
        super().__init__(file, FILE_NAME, PIPELINE_GLOBALS)
        self._nested = nested

    def load_build(self) -> None:
        """Set the state of an instance; after the description of an array, read its bytes.

        Raises:
            UnsafePickleError: No pickler writes such a state.
        """
        dtype = self.stack[-2]
        size = dtype.itemsize if isinstance(dtype, np.dtype) else None
        super().load_build()
        built = self.stack[-1]
        if isinstance(built, np.dtype):
            self._check_dtype(built, size)
        elif isinstance(built, NumpyArrayWrapper):
            if self._nested:
                refuse(FILE_NAME, "holds a joblib array in an array of objects")
            self.stack[-1] = self._read_array(vars(built))

    def _check_dtype(self, dtype: "np.dtype[Any]", size: int | None) -> None:
        # numpy trusts the flags and the size of a pickled dtype; false ones would make it use
        # numbers of the file as addresses of objects.
        try:
            right = dtype.itemsize == size and _plain(dtype).flags == dtype.flags
        except (TypeError, ValueError):
            right = False
        if not right:
            refuse(FILE_NAME, "describes a dtype that numpy does not have")

    def _read_array(self, described: dict[str, Any]) -> "np.ndarray[Any, Any]":
        dtype, shape = described["dtype"], tuple(int(length) for length in described["shape"])
        if described["subclass"] is not np.ndarray or not isinstance(dtype, np.dtype):
            refuse(FILE_NAME, "holds an array of another class than numpy.ndarray")
        if dtype.hasobject:
            inner = PipelineUnpickler(self.file, nested=True)
            array = inner.load()
            self.used |= inner.used
            if not isinstance(array, np.ndarray) or array.shape != shape:
                refuse(FILE_NAME, "describes an array of objects but holds something else")
            return array
        if described.get("numpy_array_alignment_bytes") is not None:
            self._read(self._read(1)[0])
        raw = self._read(math.prod(shape) * dtype.itemsize)
        numbers = np.frombuffer(raw, dtype=dtype).copy()
        return numbers.reshape(shape, order="F" if described["order"] == "F" else "C")

    def _read(self, size: int) -> bytes:
        read = self.file.read(size) if size >= 0 else b""
        if len(read) != size:
            raise ValueError(f"{FILE_NAME} ends within an array")
        return read


def _plain(dtype: "np.dtype[Any]") -> "np.dtype[Any]":
    """The dtype that numpy makes from a description; objects may not be fields of others."""
    if dtype.subdtype is not None:
        raise TypeError(dtype)
    if dtype.fields is None:
        return np.dtype(dtype.str)
    parts = {name: dtype.fields[name] for name in dtype.names or ()}
    if any(part[0].hasobject for part in parts.values()):
        raise TypeError(dtype)
    return np.dtype(
        {
            "names": list(parts),
            "formats": [_plain(part[0]) for part in parts.values()],
            "offsets": [part[1] for part in parts.values()],
            "itemsize": dtype.itemsize,
        }
    )


def _is_pipeline(read: Any) -> bool:  # noqa: ANN401 - any unpickled object
    """Whether an object has the form of a fitted pipeline of `bankchurn.model.stack`.

    The pipeline determines which methods of which objects are called. All of its parts are on the
    allow-list, but only this form calls them as intended.
    """
    if type(read) is not Pipeline:
        return False
    steps = [(name, type(step)) for name, step in read.steps]
    if steps != [("features", CustomerEncoder), ("stack", StackingClassifier)]:
        return False
    stack = read.steps[1][1]
    named = stack.named_estimators_
    return (
        [type(one) for one in stack.estimators_] == list(_LEARNERS)
        and [named[name] for name in LEARNERS] == stack.estimators_
        and stack.stack_method_ == ["decision_function"] * len(LEARNERS)
        and type(stack.final_estimator_) is LogisticRegression
        and type(vars(named["xgboost"])["_Booster"]) is xgboost.Booster
        and type(vars(named["lightgbm"])["_Booster"]) is lightgbm.Booster
    )
