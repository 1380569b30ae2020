"""Records of answers, and their encoding as Parquet."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Final, NamedTuple

from arro3.core import Array, DataType, Table, list_array
from arro3.io import write_parquet

from modelwatch.schema import Kind, LogSchema, feature_column, key_column, output_column

__all__ = ["Answers", "Record", "day_of", "encode", "valid_record"]

MAX_TEXT: Final = 4096
"""Characters of a text that are logged. Without a limit, long texts would fill the memory."""

_MICROSECONDS: Final = 1_000_000
_TYPES: Final[Mapping[Kind, DataType]] = {
    "number": DataType.float64(),
    "category": DataType.utf8(),
    "text": DataType.utf8(),
}


class Record(NamedTuple):
    """One answer.

    Attributes:
        time: When it was given, in seconds since 1970.
        prediction_id: Its name, by which the outcome may arrive.
        request_id: The id of its request.
        model: Digest of the model.
        features: The values by name. Only the declared ones are logged.
        outputs: As for `features`.
        key: As for `features`.
        warnings: Codes of its warnings.
    """

    time: float
    prediction_id: str
    request_id: str
    model: str
    features: Mapping[str, object]
    outputs: Mapping[str, object]
    key: Mapping[str, object]
    warnings: Sequence[str]


class Answers(NamedTuple):
    """The answers to one request, as they were given. They become records when they are written.

    Attributes:
        time: When they were given, in seconds since 1970.
        prediction_ids: Their names; None for those that are not logged.
        kept: Number of the others.
        request_id: The id of their request.
        model: Digest of the model.
        features: The values of each answer, as in `Record`; likewise the others.
    """

    time: float
    prediction_ids: Sequence[str | None]
    kept: int
    request_id: str
    model: str
    features: Iterable[Mapping[str, object]]
    outputs: Iterable[Mapping[str, object]]
    keys: Iterable[Mapping[str, object]] | None
    warnings: Iterable[Sequence[str]]

    def records(self) -> list[Record]:
        """Their records.

        Raises:
            ValueError: There are more or fewer values than answers.
        """
        return [
            Record(self.time, name, self.request_id, self.model, features, outputs, key, warnings)
            for name, features, outputs, key, warnings in zip(
                self.prediction_ids,
                self.features,
                self.outputs,
                [{}] * len(self.prediction_ids) if self.keys is None else self.keys,
                self.warnings,
                strict=True,
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
        schema: The values to log.

    Raises:
        Exception: A record has a value of another type than declared; `valid_record` finds it.
    """
    times, ids, requests, models, features, outputs, keys, warnings = zip(*records, strict=True)
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
    for column, rows, kinds in (
        (feature_column, features, schema.features),
        (output_column, outputs, schema.outputs),
        (key_column, keys, schema.key),
    ):
        for name, kind in kinds.items():
            values = [row.get(name) for row in rows]
            if kind == "text":
                values = [value and value[:MAX_TEXT] for value in values]
            columns[column(name)] = Array(values, _TYPES[kind])
    file = io.BytesIO()
    table = Table.from_arrays(list(columns.values()), names=list(columns))
    write_parquet(table, file, compression="zstd(1)")
    return file.getvalue()


def valid_record(record: Record, schema: LogSchema) -> Record | None:
    """The record with values of the declared types; None if one cannot be converted."""
    try:
        return Record(
            float(record.time),
            _text(record.prediction_id),
            _text(record.request_id),
            _text(record.model),
            _converted(record.features, schema.features),
            _converted(record.outputs, schema.outputs),
            _converted(record.key, schema.key),
            [_text(code) for code in record.warnings],
        )
    except Exception:  # noqa: BLE001 - the methods of a value may raise anything
        return None


def _converted(values: Mapping[str, Any], kinds: Mapping[str, Kind]) -> dict[str, object]:
    return {
        name: None if (value := values.get(name)) is None else _CONVERT[kind](value)
        for name, kind in kinds.items()
    }


def _text(value: object) -> str:
    # Half of a surrogate pair has no UTF-8.
    return str(value).encode(errors="replace").decode()


_CONVERT: Final[Mapping[Kind, Callable[[Any], object]]] = {
    "number": float,
    "category": _text,
    "text": _text,
}
