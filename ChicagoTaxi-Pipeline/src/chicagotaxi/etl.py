"""From raw trips to clean trips and hourly demand: the steps, the same on every engine.

1. Parse every row and name the first rule that it breaks; write the trips by year and month of
   their start, those that break a rule by its number, and those whose identifier may have come
   before to a place of their own. Of each identifier and month, the first in the input is kept.
2. Sum up hourly demand, and put it on the complete grid.
3. Check that every row is in one place and that not too many were dropped, and exchange the months.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from modelseal.paths import kind_of
from servicekit.files import DataError, NewFile, check_not_input, write_errors

from chicagotaxi.data import Source, find_sources
from chicagotaxi.drop_limit import check_dropped
from chicagotaxi.engines import EngineOptions, open_engine
from chicagotaxi.file_kinds import check_engine_path
from chicagotaxi.gaps import longest_stretches, shown_stretches, unknown_stretches
from chicagotaxi.page_cache import passing_through
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
from chicagotaxi.steps import Month, Progress, Steps, count_months
from chicagotaxi.swap import exchange_all, staging
from chicagotaxi.zones import MARKS

__all__ = ["run_etl"]

CHICAGO: Final = ZoneInfo("America/Chicago")


def run_etl(
    inputs: Iterable[str | Path],
    out: Path,
    *,
    engine: EngineOptions | None = None,
    quarantine: Path | None = None,
    replace: bool = False,
    max_dropped: float = MAX_DROPPED,
    now: datetime | None = None,
    progress: Progress = lambda _step, _share: None,
    notice: Callable[[str], None] = lambda _text: None,
) -> PipelineStatus:
    """Clean trips and sum up hourly demand.

    Args:
        inputs: Files, folders and patterns, of any dialects.
        out: The output folder. The months that the inputs have trips of are replaced; others stay.
        engine: What does the work; DuckDB where it is not given.
        quarantine: A Parquet file for the dropped rows, each as the source has it, with its file
            and the rule.
        replace: Whether a month may be replaced by one of less than half its trips.
        max_dropped: The most rows that may be dropped, as a share of those read.
        now: The present time in Chicago, without a zone; trips after it break a rule.
        progress: Told how far the work is.
        notice: Told what people should know, though the work goes on.

    Returns:
        What was done, as ``status.json`` in the output folder holds it. A run over files without
        any row leaves the output and the status of an earlier one as they were.

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
        steps = Steps(
            opened,
            sources,
            new=new,
            run_id=run_id,
            now=now or datetime.now(CHICAGO).replace(tzinfo=None),
            progress=progress,
        )
        before = _status_before(out, notice)
        written = steps.write_trips()
        lost = sum(written.dropped.values())
        if stamps != [_stamp(source) for source in sources] or (
            written.rows != written.kept + lost
        ):
            raise DataError(
                f"{written.rows} rows were read, but {written.kept} kept and {lost} dropped: an "
                "input file was changed while it was read. Run again when it is complete. Nothing "
                "was written."
            )
        check_dropped(written, sources, steps, limit=max_dropped)
        changes = _changes(written.trips, count_months(out / TRIPS))
        if not replace:
            _refuse_losses(changes)
        hours = steps.write_hourly(list(written.trips))
        unknown = unknown_stretches(hours)
        if unknown:
            notice(f"{shown_stretches(unknown)} They are left out of the demand, and are no zeros.")
        if dropped_rows is not None:
            steps.write_quarantine(dropped_rows.path, expected=lost)
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
            # The predictions are still there; what made them has not changed.
            **({} if before is None else before.model_dump(include=_FORECAST)),
        )
        # What stands there is told by the run that wrote it.
        if written.trips or before is None:
            with write_errors(new):
                (new / STATUS).write_text(status.model_dump_json(indent=2) + "\n", encoding="utf-8")
            exchange_all(new, [*_places(written.trips), STATUS])
        progress("done", 1.0)
    for told in _doubts(status):
        notice(told)
    return status


def _doubts(status: PipelineStatus) -> Iterator[str]:
    """What was guessed, and may be wrong."""
    for mark in MARKS:
        if mark.doubt and (rows := status.marked[mark.name]):
            yield f"{rows:,} rows have {mark.why}. {mark.doubt}"


_FORECAST: Final = {"forecast_version", "forecast_sha256", "predictions", "horizon_hours"}


def _status_before(out: Path, notice: Callable[[str], None]) -> PipelineStatus | None:
    try:
        return read_status(out)
    except DataError as error:
        notice(f"{error} What it told of predictions is lost.")
        return None


def _changes(trips: Mapping[Month, int], before: Mapping[Month, int]) -> dict[str, MonthTrips]:
    return {
        f"{year}-{month:02d}": MonthTrips(before=before.get((year, month), 0), now=rows)
        for (year, month), rows in sorted(trips.items())
    }


def _refuse_losses(changes: Mapping[str, MonthTrips]) -> None:
    """A stray trip of another month must not stand for that whole month."""
    if losses := [
        f"{month} has {one.before:,} trips and would have {one.now:,}"
        for month, one in changes.items()
        if 2 * one.now < one.before
    ]:
        raise DataError(
            f"{'; '.join(losses)}. A month is replaced as a whole: give all of its files in one "
            "run, or another --out, or `etl --replace` if it is to lose them. Nothing was written."
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
    """The file for dropped rows, where one is wanted: known to be writable before the work."""
    if destination is None:
        yield None
    else:
        with NewFile(destination) as file:
            yield file
