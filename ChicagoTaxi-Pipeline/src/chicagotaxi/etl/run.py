"""From raw trips to clean trips and hourly demand, in the same steps on every engine.

1. Parse every row and find the first rule that it breaks. Write the trips that break none by year
   and month of their start; of each identifier and month, the first trip in the input.
2. Sum up hourly demand on the complete grid.
3. Check that every row is counted once and that not too many were dropped; publish the months.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from modelseal.path_kinds import kind_of
from servicekit.files import DataError, NewFile, check_not_input, write_errors
from servicekit.progress import Advance, silent

from chicagotaxi.clock import local_now
from chicagotaxi.etl.drop_limit import check_dropped
from chicagotaxi.etl.engines import EngineOptions, open_engine
from chicagotaxi.etl.page_cache import passing_through
from chicagotaxi.etl.publish import publish, staging
from chicagotaxi.etl.run_steps import EtlRun, Month, count_months
from chicagotaxi.etl.time_zones import MARKS
from chicagotaxi.file_formats import check_engine_path
from chicagotaxi.schema import (
    HOURLY,
    MAX_DROPPED,
    STATUS,
    TRIPS,
    InputStatus,
    MonthTrips,
    PipelineStatus,
    read_status,
)
from chicagotaxi.sources.input_files import Source, find_sources
from chicagotaxi.unknown_hours import describe_stretches, longest_stretches, unknown_stretches


def run_etl(
    inputs: Iterable[str | Path],
    out: Path,
    *,
    engine: EngineOptions | None = None,
    quarantine: Path | None = None,
    replace: bool = False,
    max_dropped: float = MAX_DROPPED,
    now: datetime | None = None,
    progress: Advance = silent,
    notice: Callable[[str], None] = lambda _text: None,
) -> PipelineStatus:
    """Clean trips and sum up hourly demand.

    Args:
        inputs: Files, folders and patterns, of any dialects.
        out: The output folder. The months that the inputs have trips of are replaced; others stay.
        engine: The engine; DuckDB by default.
        quarantine: Parquet file for the dropped rows, each as the source has it, with its file and
            the rule.
        replace: Whether a month may be replaced by one of less than half its trips.
        max_dropped: Largest share of the rows read that may be dropped.
        now: The present time in the city, without a zone. Trips after it break a rule.
        progress: Receives percents of the run and names of steps.
        notice: Receives messages for people about what was noticed or assumed.

    Returns:
        The status of the run, as in ``status.json`` in the output folder. A run over files without
        any row leaves the output and the status of an earlier run as they were.

    Raises:
        DataError: An input cannot be used, too many rows would be dropped, a month would lose most
            of its trips, or something cannot be written. The output is as it was.
    """
    options = engine or EngineOptions()
    started = datetime.now(UTC)
    run_id = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    check_engine_path(out)
    with write_errors(out):
        kind_of(out)
    sources = find_sources(inputs, without=out, notice=notice)
    if quarantine is not None:
        check_engine_path(quarantine)
        check_not_input(quarantine, *(source.path for source in sources))
    stamps = [_stamp(source) for source in sources]
    with (
        _quarantine(quarantine) as dropped_rows,
        staging(out, run_id) as new,
        open_engine(options, temporary=new.parent / "temporary") as opened,
        passing_through([source.path for source in sources]),
    ):
        run = EtlRun(
            opened, sources, new=new, run_id=run_id, now=now or local_now(), progress=progress
        )
        before = _status_before(out, notice)
        written = run.write_trips()
        lost = sum(written.dropped.values())
        if stamps != [_stamp(source) for source in sources] or (
            written.rows != written.kept + lost
        ):
            raise DataError(
                f"{written.rows} rows were read, but {written.kept} kept and {lost} dropped: an "
                "input file was changed while it was read. Run again when it is complete. Nothing "
                "was written."
            )
        check_dropped(written, sources, run, limit=max_dropped)
        changes = _changes(written.trips, count_months(out / TRIPS))
        if not replace:
            _refuse_losses(changes)
        hours = run.write_hourly(list(written.trips))
        unknown = unknown_stretches(hours)
        if unknown:
            shown = describe_stretches(unknown)
            notice(f"{shown} They are left out of the demand, not counted as zeros.")
        if dropped_rows is not None:
            run.write_quarantine(dropped_rows.path, expected=lost)
        status = PipelineStatus(
            run_id=run_id,
            started=started,
            finished=datetime.now(UTC),
            engine=opened.name,
            inputs=[
                InputStatus(
                    path=str(one.path),
                    dialect=one.dialect.name,
                    rows=written.inputs[one.path].rows,
                    absent=one.absent,
                )
                for one in sources
            ],
            rows_read=written.rows,
            rows_kept=written.kept,
            dropped=dict(written.dropped),
            marked=written.marked,
            months=list(changes),
            month_trips=changes,
            hours=len(hours),
            first_hour=hours[0].item() if len(hours) else None,
            last_hour=hours[-1].item() if len(hours) else None,
            unknown_hours=sum(one.hours for one in unknown),
            unknown_stretches=longest_stretches(unknown),
            unknown_stretches_in_all=len(unknown),
            # The predictions are still there, and their model has not changed.
            **({} if before is None else before.model_dump(include=_FORECAST)),
        )
        # Without trips, the output is that of an earlier run, which its status describes.
        if written.trips or before is None:
            with write_errors(new):
                (new / STATUS).write_text(status.model_dump_json(indent=2) + "\n", encoding="utf-8")
            publish(new, [*_places(written.trips), STATUS])
        run.finish()
    for text in _doubts(status):
        notice(text)
    return status


def _doubts(status: PipelineStatus) -> Iterator[str]:
    """Messages about assumptions that may be wrong."""
    for mark in MARKS:
        if mark.doubt and (rows := status.marked[mark.name]):
            yield f"{rows:,} rows have {mark.why}. {mark.doubt}"


_FORECAST: Final = {"forecast_version", "forecast_sha256", "predictions", "horizon_hours"}


def _status_before(out: Path, notice: Callable[[str], None]) -> PipelineStatus | None:
    try:
        return read_status(out)
    except DataError as error:
        notice(f"{error} Its part about predictions is lost.")
        return None


def _changes(trips: Mapping[Month, int], before: Mapping[Month, int]) -> dict[str, MonthTrips]:
    return {
        f"{year}-{month:02d}": MonthTrips(before=before.get((year, month), 0), now=rows)
        for (year, month), rows in sorted(trips.items())
    }


def _refuse_losses(changes: Mapping[str, MonthTrips]) -> None:
    """Refuse to replace a month by a few stray trips of that month."""
    if losses := [
        f"{month} has {one.before:,} trips and would have {one.now:,}"
        for month, one in changes.items()
        if 2 * one.now < one.before
    ]:
        raise DataError(
            f"{'; '.join(losses)}. A month is replaced as a whole: give all of its files in one "
            "run, another --out, or `etl --replace` to replace it anyway. Nothing was written."
        )


def _places(months: Iterable[Month]) -> list[str]:
    return [
        f"{kind}/year={year}/month={month}"
        for year, month in sorted(months)
        for kind in (TRIPS, HOURLY)
    ]


def _stamp(source: Source) -> tuple[int, int]:
    found = source.path.stat()
    return found.st_size, found.st_mtime_ns


@contextlib.contextmanager
def _quarantine(destination: Path | None) -> Iterator[NewFile | None]:
    """The file for dropped rows, if any. That it can be written is checked before the work."""
    if destination is None:
        yield None
    else:
        with NewFile(destination) as file:
            yield file
