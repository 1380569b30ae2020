"""Forecasts outside of the training data are marked, and only those."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batches import predict, read_parts
from chicagotaxi.api.index import DemandIndex
from chicagotaxi.batch.reader import BatchError, read_batch, read_pointer
from chicagotaxi.cli import app
from chicagotaxi.clock import WEEK
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.forecast.trained_on import TrainedOn, WeekTrips, trained_rows, warning_cells
from chicagotaxi.forecast.warnings import WARNINGS_BY_CODE, read_cell
from chicagotaxi.history.panel import Panel
from hypothesis import given
from hypothesis import strategies as st
from servicekit.answer_warnings import as_cell
from typer.testing import CliRunner

STRANGER = "area_not_in_training:pickup_community_area"
OUTSIDE = "level_outside_training:history"
HOLED = "history_holed:history"


def cells(forecaster: DemandForecaster, panel: Panel) -> dict[int, str]:
    found = warning_cells(panel, forecaster.model.areas, forecaster.trained_on)
    return dict(zip(panel.areas, found, strict=True))


def last_week(panel: Panel, area: int, factor: float) -> Panel:
    changed = panel.trips.copy()
    column = changed[-WEEK:, panel.areas.index(area)]
    column[:] = np.round(column * factor)
    return replace(panel, trips=changed)


def test_forecasts_like_the_training_are_not_marked(
    forecaster: DemandForecaster, panel: Panel
) -> None:
    for row in range(8 * WEEK, len(panel.trips) + 1, 24):
        assert set(cells(forecaster, panel.until(row)).values()) == {""}


@pytest.mark.parametrize(("factor", "cell"), [(3.0, OUTSIDE), (0.25, OUTSIDE), (1.2, "")])
def test_a_level_far_from_the_training_is_marked_in_its_area_only(
    forecaster: DemandForecaster, panel: Panel, factor: float, cell: str
) -> None:
    found = cells(forecaster, last_week(panel, 8, factor))
    assert found == dict.fromkeys(panel.areas, "") | {8: cell}


@pytest.mark.parametrize(
    ("least", "most", "trips", "cell"),
    [
        # More than twice the busiest week, and less than half of the quietest, but few trips.
        (0, 2, 22, ""),
        (0, 2, 23, OUTSIDE),
        (19, 30, 0, ""),
        (21, 30, 0, OUTSIDE),
        # Many trips, but not twice or half as many.
        (400, 500, 1000, ""),
        (400, 500, 1001, OUTSIDE),
        (400, 500, 200, ""),
        (400, 500, 199, OUTSIDE),
    ],
)
def test_a_level_is_outside_beyond_twice_or_half_and_by_more_than_twenty_trips(
    least: float, most: float, trips: int, cell: str
) -> None:
    history = np.ones((8 * WEEK, 1), dtype=np.float32)
    history[-WEEK:, 0] = trips // WEEK
    history[-WEEK : -WEEK + trips % WEEK, 0] += 1
    panel = Panel(np.datetime64("2025-01-01T00", "h"), (54,), history)
    trained_on = TrainedOn.of(panel).model_copy(
        update={"weeks": {54: WeekTrips(least=least, most=most)}}
    )
    assert warning_cells(panel, (54,), trained_on) == [cell]


def test_an_area_that_training_did_not_have_is_marked(
    forecaster: DemandForecaster, panel: Panel
) -> None:
    found = cells(forecaster, replace(panel, areas=(3, 6, 8, 28, 32, 41, 54, 77)))
    assert found[77] == STRANGER
    assert found[8] == ""


def test_a_history_with_holes_is_marked(forecaster: DemandForecaster, panel: Panel) -> None:
    for first, last in ((-8 * WEEK, -4 * WEEK + 1), (-85, None)):
        trips = panel.trips.copy()
        trips[first:last] = np.nan
        assert set(cells(forecaster, replace(panel, trips=trips)).values()) == {HOLED}
        trips[first] = panel.trips[first]
        assert set(cells(forecaster, replace(panel, trips=trips)).values()) == {""}
    assert set(cells(forecaster, panel.until(4 * WEEK - 1)).values()) == {HOLED}


def test_a_model_knows_the_weeks_that_it_was_trained_on() -> None:
    trips = np.full((3 * WEEK + 5, 2), 2.0, dtype=np.float32)
    trips[5 : 5 + WEEK, 0] = 1.0
    trips[:5] = 99.0  # no whole week
    trips[-WEEK : -WEEK // 2, 0] = np.nan  # half of a week, which counts for the whole
    trips[:, 1] = np.nan
    panel = Panel(np.datetime64("2025-01-01T00", "h"), (8, 9), trips)
    found = TrainedOn.of(panel)
    assert found.weeks == {8: WeekTrips(least=168.0, most=336.0)}
    assert found.known_hours == 3 * WEEK + 5 - WEEK // 2
    assert str(found.last_hour) == "2025-01-22 04:00:00"
    assert TrainedOn.model_validate_json(found.model_dump_json()) == found


@given(st.lists(st.sampled_from(sorted(WARNINGS_BY_CODE)), unique=True))
def test_a_cell_names_its_warnings(codes: list[str]) -> None:
    warnings = [WARNINGS_BY_CODE[code] for code in codes]
    assert read_cell(as_cell(warnings)) == warnings


def test_rows_of_the_training_are_hours_and_areas_with_trips() -> None:
    trips = np.array([[0, 3], [np.nan, 1], [20, np.nan]], dtype=np.float32)
    panel = Panel(np.datetime64("2025-01-01T23", "h"), (8, 32), trips)
    assert list(trained_rows(panel)) == [
        "2025-01-01T23|32|3",
        "2025-01-02T00|32|1",
        "2025-01-02T01|8|20",
    ]
    assert list(trained_rows(panel, 2)) == ["2025-01-02T01|8|20"]


def test_a_batch_counts_and_holds_its_warnings(sealed: Path, panel: Panel, output: Path) -> None:
    areas = (3, 6, 8, 28, 32, 41, 54, 77)
    strange = last_week(replace(panel, areas=areas), 8, 3.0)
    info = predict(sealed, strange, output)
    assert info.warnings == {"area_not_in_training": 168, "level_outside_training": 168}
    read, rows = read_batch(output / "predictions", info.batch)
    assert read == info
    by_area = {
        (row["pickup_community_area"], row["warnings"])
        for row in rows.select(["pickup_community_area", "warnings"]).to_pylist()
    }
    assert by_area == {(area, "") for area in areas if area not in {8, 77}} | {
        (8, OUTSIDE),
        (77, STRANGER),
    }
    index = DemandIndex(read, rows)
    assert index.warnings == info.warnings
    found = index.find(area=77, hour=3, day_of_week=None, day=None, limit=1)
    [row] = json.loads(found.body)
    assert row["warnings"] == [
        {
            "code": "area_not_in_training",
            "field": "pickup_community_area",
            "message": WARNINGS_BY_CODE["area_not_in_training"].message,
        }
    ]


def test_a_warning_that_this_release_does_not_know_is_refused(
    sealed: Path, panel: Panel, output: Path
) -> None:
    info, rows = read_batch(output / "predictions", predict(sealed, panel, output).batch)
    place = rows.schema.get_field_index("warnings")
    other = rows.set_column(
        place, rows.schema.field(place), pa.array(["full_moon:sky"] * len(rows))
    )
    with pytest.raises(BatchError, match="the warning 'full_moon' is not one of this release"):
        DemandIndex(info, other)


def test_a_batch_of_an_earlier_release_has_no_warnings(predicted: Path) -> None:
    folder = predicted / "predictions"
    name = str(read_pointer(folder))
    [part] = (folder / name).glob("part-*.parquet")
    pq.write_table(pq.read_table(part).drop_columns(["warnings"]), part)
    form = json.loads((folder / name / "batch.json").read_text())
    del form["warnings"], form["training_overlap"]
    form["parts"][0]["sha256"] = hashlib.sha256(part.read_bytes()).hexdigest()
    (folder / name / "batch.json").write_text(json.dumps(form))
    info, rows = read_batch(folder, name)
    assert info.warnings == {}
    assert set(rows["warnings"].to_pylist()) == {""}
    assert DemandIndex(info, rows).warnings == {}


def test_a_batch_that_unpacks_to_more_than_the_bound_is_refused(
    predicted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = predicted / "predictions"
    name = str(read_pointer(folder))
    monkeypatch.setattr("chicagotaxi.batch.reader.MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(BatchError, match=r"unpacks to [\d,]+ bytes, more than the 1,000"):
        read_batch(folder, name)


def test_predict_prints_how_many_predictions_are_marked(
    output: Path, sealed: Path, hourly_frame: pd.DataFrame
) -> None:
    renamed = hourly_frame.assign(area=hourly_frame["area"].replace(54, 77))
    month = output / "hourly" / "year=2025" / "month=1"
    renamed.to_parquet(month / "a.parquet", index=False)
    result = CliRunner().invoke(app, ["predict", "--out", str(output), "--model", str(sealed)])
    assert result.exit_code == 0, result.output
    shown = " ".join(result.stdout.split())
    assert "168 of 1,344 predictions marked area_not_in_training: The model was not" in shown


def test_hindcast_prints_how_much_of_it_the_model_was_trained_on(
    output: Path, sealed: Path, tmp_path: Path, hourly_frame: pd.DataFrame
) -> None:
    command = ["hindcast", "--out", str(output), "--model", str(sealed), "--every", "300"]
    result = CliRunner().invoke(app, [*command, str(tmp_path / "seen")])
    assert result.exit_code == 0, result.output
    frame = hourly_frame[hourly_frame["hour"] >= "2025-02-26"]
    rows = int((frame["trips"] > 0).sum())
    shown = " ".join(result.stdout.split())
    assert f"100.0% of the {rows:,} hours and areas with trips are among those that the" in shown
    assert overlap(tmp_path / "seen") == {
        "rows": rows,
        "compared": rows,
        "seen": rows,
        "share": 1.0,
    }

    # The counts of every other day are others.
    even = hourly_frame["hour"].dt.day % 2 == 0
    changed = hourly_frame.assign(trips=hourly_frame["trips"] + even.astype("int32") * 1000)
    month = output / "hourly" / "year=2025" / "month=1"
    changed.to_parquet(month / "a.parquet", index=False)
    result = CliRunner().invoke(app, [*command, str(tmp_path / "half")])
    assert result.exit_code == 0, result.output
    same = frame["hour"].dt.day % 2 == 1
    assert overlap(tmp_path / "half")["seen"] == int((frame.loc[same, "trips"] > 0).sum())
    assert len(read_parts(tmp_path / "half")) > 0


def overlap(folder: Path) -> dict[str, float]:
    batch = json.loads((folder / str(read_pointer(folder)) / "batch.json").read_text())
    found: dict[str, float] = batch["training_overlap"]
    return found
