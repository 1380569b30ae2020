"""Records of answers, and their encoding as Parquet.

A record is a plain tuple: the time in seconds since 1970, the prediction id, the request id, the
digest of the model, the codes of the warnings, and then the declared features, outputs and parts of
the key, in the order of the declaration. Ten thousand records may wait for a write. The garbage
collector does not visit tuples of numbers and texts, and the objects of a request can be freed once
its records are read.
"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from arro3.core import Array, DataType, Table, list_array
from arro3.io import write_parquet

from modelwatch.schema import Kind, LogSchema, feature_column, key_column, output_column

__all__ = [
    "Answers",
    "ReadValues",
    "Record",
    "RecordReader",
    "Values",
    "day_of",
    "encode",
    "valid_record",
]

MAX_TEXT: Final = 4096
"""Characters of a text that are logged. Without a limit, long texts would fill the memory."""

Record: TypeAlias = tuple[Any, ...]
Values: TypeAlias = Mapping[str, object]
ReadValues: TypeAlias = Callable[..., Iterable[tuple[Values, Values, Values, Sequence[str]]]]

_MICROSECONDS: Final = 1_000_000
_FIXED: Final = 5
"""Number of the values of a record that are not declared."""

_TYPES: Final[Mapping[Kind, DataType]] = {
    "number": DataType.float64(),
    "category": DataType.utf8(),
    "text": DataType.utf8(),
}


class Answers(NamedTuple):
    """The answers to one request, as they were given.

    Attributes:
        time: When they were given, in seconds since 1970.
        prediction_ids: Their names; None for those that are not logged.
        kept: Number of the others.
        request_id: The id of their request.
        model: Digest of the model.
        read: Makes the values of each answer: features, outputs and parts of the business key by
            name, and the codes of its warnings.
        given: What ``read`` is called with.
    """

    time: float
    prediction_ids: Sequence[str | None]
    kept: int
    request_id: str
    model: str
    read: ReadValues
    given: tuple[Any, ...]


class RecordReader:
    """Reads the declared values of answers.

    Args:
        schema: The values to log; missing ones are None.
    """

    def __init__(self, schema: LogSchema) -> None:
        self._features = _reader(schema.features)
        self._outputs = _reader(schema.outputs)
        self._key = _reader(schema.key)

    def read(self, answers: Answers) -> list[Record]:
        """The records of the answers to one request.

        Raises:
            ValueError: There are more or fewer values than answers.
            Exception: A mapping raised it.
        """
        time, prediction_ids, _, request_id, model, read, given = answers
        read_features, read_outputs, read_key = self._features, self._outputs, self._key
        return [
            (
                time,
                name,
                request_id,
                model,
                codes,
                *read_features(features),
                *read_outputs(outputs),
                *read_key(key),
            )
            for name, (features, outputs, key, codes) in zip(
                prediction_ids, read(*given), strict=True
            )
            if name is not None
        ]


def day_of(time: float) -> str:
    """The day of a time in seconds, in UTC: the partition of a record."""
    return datetime.fromtimestamp(time, UTC).date().isoformat()


def encode(records: Sequence[Record], schema: LogSchema) -> bytes:
    """Records as a Parquet file.

    Args:
        records: At least one record.
        schema: The values that they have.

    Raises:
        Exception: A record has a value of another type than declared; `valid_record` finds it.
    """
    times, ids, requests, models, warnings, *values = zip(*records, strict=True)
    microseconds = Array([round(time * _MICROSECONDS) for time in times], DataType.int64())
    columns: dict[str, Array] = {
        "time": microseconds.cast(DataType.timestamp("us", tz="UTC")),
        "prediction_id": Array(ids, DataType.utf8()),
        "request_id": Array(requests, DataType.utf8()),
        "model": Array(models, DataType.utf8()),
        "warnings": list_array(
            Array([0, *accumulate(map(len, warnings))], DataType.int32()),
            Array([code for codes in warnings for code in codes], DataType.utf8()),
        ),
    }
    for (name, kind), column in zip(_declared(schema).items(), values, strict=True):
        cut = [value and value[:MAX_TEXT] for value in column] if kind == "text" else column
        columns[name] = Array(cut, _TYPES[kind])
    file = io.BytesIO()
    table = Table.from_arrays(list(columns.values()), names=list(columns))
    write_parquet(table, file, compression="zstd(1)")
    return file.getvalue()


def valid_record(record: Record, schema: LogSchema) -> Record | None:
    """The record with values of the declared types; None if one cannot be converted."""
    time, *texts, warnings = record[:_FIXED]
    kinds = _declared(schema).values()
    try:
        return (
            float(time),
            *map(_text, texts),
            [_text(code) for code in warnings],
            *(
                None if value is None else _CONVERT[kind](value)
                for value, kind in zip(record[_FIXED:], kinds, strict=True)
            ),
        )
    except Exception:  # noqa: BLE001 - the methods of a value may raise anything
        return None


def _declared(schema: LogSchema) -> dict[str, Kind]:
    """The kind of each declared column, in the order of the values of a record."""
    return {
        column(name): kind
        for column, kinds in (
            (feature_column, schema.features),
            (output_column, schema.outputs),
            (key_column, schema.key),
        )
        for name, kind in kinds.items()
    }


def _reader(kinds: Mapping[str, Kind]) -> Callable[[Values], tuple[Any, ...]]:
    """What reads some values of a mapping, None for missing ones."""
    names = tuple(kinds)
    if not names:
        return lambda _values: ()

    def read_slowly(values: Values) -> tuple[Any, ...]:
        return tuple(map(values.get, names))

    if len(names) == 1:
        return read_slowly
    pick = itemgetter(*names)

    def read(values: Values) -> tuple[Any, ...]:
        try:
            found: tuple[Any, ...] = pick(values)
        except KeyError:
            return read_slowly(values)
        return found

    return read


def _text(value: object) -> str:
    # Half of a surrogate pair has no UTF-8.
    return str(value).encode(errors="replace").decode()


_CONVERT: Final[Mapping[Kind, Callable[[Any], object]]] = {
    "number": float,
    "category": _text,
    "text": _text,
}
