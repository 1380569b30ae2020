"""What `make bench-serving` sends to this service, and the other ways to answer it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from chicagotaxi.api.app import DemandQuery
from chicagotaxi.api.index import DemandIndex
from chicagotaxi.api.responses import DemandRow
from chicagotaxi.batch.reader import BATCH, BatchInfo, read_pointer
from chicagotaxi.schema import PREDICTIONS
from workload import Workload

PATH = "/demand?area=8&hour=14&limit=10"
COLUMNS = ("predicted_demand", "lower", "upper")


def workloads(work: Path) -> list[Workload]:
    """Demand of one area at one hour of the day."""
    predictions = work / "pipeline" / PREDICTIONS

    def batch() -> Path:
        name = read_pointer(predictions)
        if name is None:
            raise FileNotFoundError(f"{predictions} has no batch of predictions")
        return predictions / name

    def table() -> pd.DataFrame:
        rows: pd.DataFrame = pq.read_table(sorted(batch().glob("*.parquet"))).to_pandas()
        return rows.sort_values(["start", "pickup_community_area"], ignore_index=True)

    def select(rows: pd.DataFrame, query: DemandQuery) -> pd.DataFrame:
        # The whole table is copied for each request, as the ancestor did.
        found = rows.copy()
        found = found[found["pickup_community_area"] == query.area]
        found = found[found["hour"] == query.hour]
        return found.head(query.limit)

    def expected() -> Mapping[str, Any]:
        found = select(table(), workload.example())  # type: ignore[arg-type]
        return {
            f"{row}.{name}": float(record[name])
            for row, record in enumerate(found.to_dict("records"))
            for name in COLUMNS
        }

    def answers() -> Callable[[Sequence[DemandQuery]], Sequence[Any]]:
        info = BatchInfo.model_validate_json((batch() / BATCH).read_bytes())
        index = DemandIndex(info, pq.read_table(sorted(batch().glob("*.parquet"))))

        def answer(queries: Sequence[DemandQuery]) -> Sequence[Any]:
            return [
                index.find(
                    area=query.area,
                    hour=query.hour,
                    day_of_week=query.day_of_week,
                    day=query.date,
                    limit=query.limit,
                ).body
                for query in queries
            ]

        return answer

    def ancestor() -> Callable[[DemandQuery], Any]:
        rows = table()
        return lambda query: select(rows, query).to_dict("records")

    workload = Workload(
        name="demand",
        method="GET",
        path=PATH,
        body=None,
        request=DemandQuery,
        response=list[DemandRow],
        expected=expected,
        model_code=answers,
        ancestor=ancestor,
    )
    return [workload]
