from pathlib import Path

import pandas as pd
import pytest
from chicagotaxi.etl.rules import DUPLICATE, NAMES, RULES
from chicagotaxi.schema import PipelineStatus
from trips import ZOO, clean, dropped, run, zoo


@pytest.fixture(scope="module")
def outcome(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, str | None], PipelineStatus, pd.DataFrame, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("zoo")
    expected = zoo(folder / "in")
    status = run(folder / "in", folder / "out", quarantine=folder / "dropped.parquet")
    return expected, status, clean(folder / "out"), pd.read_parquet(folder / "dropped.parquet")


def test_every_row_is_kept_or_dropped_under_the_first_rule_that_it_breaks(
    outcome: tuple[dict[str, str | None], PipelineStatus, pd.DataFrame, pd.DataFrame],
) -> None:
    expected, _, kept, lost = outcome
    found: dict[str, str | None] = dict.fromkeys(kept["trip_id"])
    found |= dict(zip(lost["trip_id"], lost["rule"], strict=True))
    wrong = {
        str(ZOO[int(identifier, 16)][:2]): (rule, found.get(identifier, "nowhere"))
        for identifier, rule in expected.items()
        if found.get(identifier, "nowhere") != rule
    }
    assert wrong == {}


def test_the_counts_are_those_of_the_quarantine(
    outcome: tuple[dict[str, str | None], PipelineStatus, pd.DataFrame, pd.DataFrame],
) -> None:
    expected, status, kept, lost = outcome
    assert dropped(status) == lost["rule"].value_counts().to_dict()
    assert status.rows_read == len(expected) + 11 == len(kept) + len(lost)
    assert status.rows_kept == len(kept)


def test_every_rule_is_broken_by_some_row_of_the_zoo(
    outcome: tuple[dict[str, str | None], PipelineStatus, pd.DataFrame, pd.DataFrame],
) -> None:
    assert set(dropped(outcome[1])) == set(NAMES)
    assert all(rule.why for rule in RULES)
    assert len(set(NAMES)) == len(NAMES)


def test_one_trip_of_each_identifier_and_month_is_kept_the_first(
    outcome: tuple[dict[str, str | None], PipelineStatus, pd.DataFrame, pd.DataFrame],
) -> None:
    _, _, kept, lost = outcome
    named = kept[~kept["trip_id"].str.fullmatch("0.{39}")].set_index("trip_id")
    assert named.index.tolist() == ["in two files", "one dropped", "twice"] + ["two months"] * 2
    assert named.loc["twice", "fare"] == 9.0
    assert named.loc["in two files", "miles"] == 0.5
    again = lost[lost["rule"] == DUPLICATE]
    assert sorted(again["trip_id"]) == ["in two files", "twice", "twice"]
    assert sorted(again["fare"]) == ["$8.00", "$8.00", "$8.75"]


def test_the_quarantine_has_the_row_as_its_file_has_it(
    outcome: tuple[dict[str, str | None], PipelineStatus, pd.DataFrame, pd.DataFrame],
) -> None:
    lost = outcome[3].set_index("trip_id")
    late = next(
        f"{number:040x}" for number, (_, change, _) in enumerate(ZOO) if change.get("end") == "soon"
    )
    assert lost.loc[late, "end"] == "soon"
    assert lost.loc[late, "fare"] == "$8.75"
    assert lost.loc[late, "company"] == "Flash Cab"
    assert Path(str(lost.loc[late, "source"])).name == "portal.csv"
    header = lost.loc["Trip ID"]
    assert (header["rule"], header["start"]) == ("header_among_rows", "Trip Start Timestamp")


def test_amounts_and_distances_are_whole_hundredths(
    outcome: tuple[dict[str, str | None], PipelineStatus, pd.DataFrame, pd.DataFrame],
) -> None:
    kept = outcome[2].set_index("trip_id")
    value = {
        str(change): kept.loc[f"{number:040x}"]
        for number, (_, change, rule) in enumerate(ZOO)
        if rule is None
    }
    assert value["{'miles': '0.004'}"]["miles"] == 0.0
    assert value["{'miles': '0.005'}"]["miles"] == 0.01
    assert value["{'fare': '$1,234.50'}"]["fare"] == 1234.5
    assert value["{'miles': '1e1'}"]["miles"] == 10.0
    assert value["{'company': 'Taxi, \"Quoted\" & Sons'}"]["company"] == 'Taxi, "Quoted" & Sons'
    assert pd.isna(value["{'seconds': '', 'miles': '', 'fare': ''}"]["fare"])
