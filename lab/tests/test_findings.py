import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from incidentlab.data import DataError, split
from incidentlab.findings import Data, IncidentVerdict, Results, find, write_results
from incidentlab.incidents import INCIDENTS, Incident
from incidentlab.laboratory import Experiment
from incidentlab.plots import write_plot
from incidentlab.protocol import Opening, Reading, Served, Writing
from packaging.requirements import Requirement

VERSIONS = {"numpy": "1.26.4"}
OPENS = Opening(code=None, message=None, unpickled=True)
DATA = Data(source="sample", rows=10, unknown_tenure=1, scored=2)


def experiment(right: Sequence[float], served: Served) -> Experiment:
    writing = Writing(probabilities=tuple(right), versions=VERSIONS)
    reading = Reading(opening=OPENS, served=served, golden=OPENS, versions=VERSIONS)
    return Experiment(
        finding=find(INCIDENTS[0], writing, reading),
        right=writing.probabilities,
        answered=served.probabilities,
    )


@pytest.mark.parametrize(
    ("served", "verdict"),
    [
        (Served(probabilities=(0.25, 0.75)), IncidentVerdict.SAME),
        (Served(probabilities=(0.25, 0.75 + 1e-15)), IncidentVerdict.ROUNDING),
        (Served(probabilities=(0.25, 0.75 + 1e-6)), IncidentVerdict.WRONG),
        (Served(fails_at="load", error="no"), IncidentVerdict.LOAD),
        (Served(fails_at="predict", error="no"), IncidentVerdict.PREDICT),
    ],
)
def test_the_verdict_is_what_the_unguarded_service_did(
    served: Served, verdict: IncidentVerdict
) -> None:
    assert experiment((0.25, 0.75), served).finding.verdict is verdict


def test_a_comparison_names_the_customer_who_moved_most() -> None:
    served = Served(probabilities=(0.251, 0.49, 0.9))
    comparison = experiment((0.25, 0.51, 0.9), served).finding.comparison

    assert comparison is not None
    assert (comparison.before, comparison.after) == (0.51, 0.49)
    assert (comparison.rows, comparison.moved, comparison.noticeable) == (3, 2, 1)
    assert comparison.flipped == 1


def test_results_are_written_whole_and_can_be_read_by_others(tmp_path: Path) -> None:
    finding = experiment((0.25, 0.75), Served(probabilities=(0.25, 0.5))).finding
    results = Results(machine="m", data=DATA, trees=1, reported={}, findings=(finding,))
    path = tmp_path / "new" / "incident.json"

    write_results(results, path)

    assert json.loads(path.read_text())["findings"][0]["verdict"] == "silently wrong"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_the_plot_is_drawn_with_and_without_silent_incidents(tmp_path: Path) -> None:
    silent = experiment((0.25, 0.75), Served(probabilities=(0.75, 0.25)))
    loud = experiment((0.25, 0.75), Served(fails_at="load", error="no"))

    for name, experiments in (("both", [silent, loud]), ("loud", [loud])):
        write_plot(experiments, DATA, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_every_fifth_customer_is_scored_and_the_others_train(
    customers: Path, tmp_path: Path
) -> None:
    training, scored, data = split(customers, tmp_path, source="sample")

    lines = [len(path.read_text().splitlines()) - 1 for path in (training, scored)]
    assert lines == [480, 120]
    assert (data.rows, data.scored) == (600, 120)
    assert data.unknown_tenure > 0


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_versions_outside_the_pins_are_pinned_like_the_others(incident: Incident) -> None:
    for override in (*incident.writer, *incident.reader):
        (only,) = Requirement(override).specifier
        assert only.operator == "~="
        assert len(only.version.split(".")) == 3


def test_a_table_without_a_column_is_refused_by_name(tmp_path: Path) -> None:
    table = tmp_path / "half.csv"
    table.write_text("CreditScore,Age\n600,40\n")

    with pytest.raises(DataError, match=r"half\.csv is not a table of customers"):
        split(table, tmp_path, source="half")
