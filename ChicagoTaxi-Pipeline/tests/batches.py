"""Batches of predictions for tests: made by the model on DuckDB, or of given rows."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from chicagotaxi.arrow_schemas import prediction_schema
from chicagotaxi.batch import predict as predicting
from chicagotaxi.batch import writer as new_batch
from chicagotaxi.batch.reader import BatchInfo, ModelIdentity, read_pointer
from chicagotaxi.cli.options import engine_options
from chicagotaxi.etl.engines import open_engine
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.history.panel import Panel


def predict(sealed: Path, panel: Panel, out: Path) -> BatchInfo:
    """Predict the week after a history, as the command does."""
    with open_engine(engine_options()) as engine:
        return predicting.predict(engine, SealedForecast.find(sealed, None), panel, out)


def read_parts(folder: Path) -> pa.Table:
    """All rows of the batch that a folder points to, whatever its columns, in the order of parts.

    Each part is what `batch.json` says of it.
    """
    batch = folder / str(read_pointer(folder))
    info = BatchInfo.model_validate_json((batch / "batch.json").read_bytes())
    contents = [(batch / part.name).read_bytes() for part in info.parts]
    digests = [hashlib.sha256(one).hexdigest() for one in contents]
    assert digests == [part.sha256 for part in info.parts]
    tables = [pq.read_table(pa.BufferReader(one)) for one in contents]
    assert [len(table) for table in tables] == [part.rows for part in info.parts]
    assert sum(map(len, tables)) == info.rows
    schema = pa.schema([field.with_nullable(True) for field in tables[0].schema])
    return pa.concat_tables([table.cast(schema) for table in tables])


def write_batch(
    folder: Path, tables: Sequence[pa.Table], *, model: ModelIdentity, interval: float
) -> BatchInfo:
    """Write a batch of given rows, a part for each table."""

    def make(work: Path) -> Path:
        for number, table in enumerate(tables):
            pq.write_table(table, work / f"{number}.parquet")
        return work

    return new_batch.write_batch(
        folder, make, schema=prediction_schema(), model=model, interval=interval
    )
