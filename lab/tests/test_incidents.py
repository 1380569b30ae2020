"""Every incident, with real packages in real environments, on a small model.

Those that are not nightly are the ones that the decision to pin rests on; the others need four more
environments and three more models, and run nightly (`make test-nightly`).
"""

import pytest
from incidentlab.findings import IncidentFinding, IncidentVerdict
from incidentlab.incidents import INCIDENTS
from incidentlab.laboratory import Laboratory

BY_NAME = {incident.name: incident for incident in INCIDENTS}
SCORED = 120


@pytest.fixture(scope="module")
def run(laboratory: Laboratory) -> dict[str, IncidentFinding]:
    """The incidents that the decision rests on, in one go, so that they share their models."""
    names = ("nothing", "numpy-file", "numpy-features", "xgboost-older-reads")
    return _run(laboratory, *names)


@pytest.fixture(scope="module")
def run_nightly(laboratory: Laboratory) -> dict[str, IncidentFinding]:
    names = (
        *("xgboost-newer-reads", "sklearn-newer-reads", "sklearn-older-reads"),
        *("pandas-file", "pandas-features"),
    )
    return _run(laboratory, *names)


def test_where_nothing_changes_the_model_opens_and_answers_the_same(
    run: dict[str, IncidentFinding],
) -> None:
    finding = run["nothing"]

    assert finding.verdict is IncidentVerdict.SAME
    assert finding.guards.code is None
    assert finding.guards.unpickled, "what counts unpickling would not see it"
    assert finding.guards.golden_code is None


def test_reading_the_file_with_numpy_2_moves_nothing_and_is_refused(
    run: dict[str, IncidentFinding],
) -> None:
    finding = run["numpy-file"]

    assert finding.verdict is IncidentVerdict.SAME
    assert finding.read_by.startswith("2.2.")
    _assert_refused(finding, "series")
    assert finding.guards.golden_code is None


def test_feature_code_under_numpy_2_is_silently_wrong_and_its_golden_set_tells(
    run: dict[str, IncidentFinding],
) -> None:
    finding = run["numpy-features"]

    _assert_wrong(finding)
    assert finding.warnings == ()
    _assert_refused(finding, "series")


def test_a_model_of_a_newer_xgboost_read_by_an_older_one_is_wrong_in_every_row(
    run: dict[str, IncidentFinding],
) -> None:
    finding = run["xgboost-older-reads"]

    _assert_wrong(finding)
    assert finding.comparison is not None
    assert finding.comparison.moved == SCORED
    assert len(finding.warnings) == 1
    _assert_refused(finding, "series")


@pytest.mark.nightly
def test_a_newer_xgboost_moves_nothing_and_warns_in_the_same_words(
    run: dict[str, IncidentFinding], run_nightly: dict[str, IncidentFinding]
) -> None:
    finding = run_nightly["xgboost-newer-reads"]

    assert finding.verdict is IncidentVerdict.SAME
    _assert_refused(finding, "series")
    assert finding.warnings == run["xgboost-older-reads"].warnings


@pytest.mark.nightly
def test_the_next_scikit_learn_does_not_load_the_file(
    run_nightly: dict[str, IncidentFinding],
) -> None:
    finding = run_nightly["sklearn-newer-reads"]

    assert finding.verdict is IncidentVerdict.LOAD
    assert "CyHalfBinomialLoss" in str(finding.error)
    _assert_refused(finding, "series")
    assert finding.guards.golden_code == "load"


@pytest.mark.nightly
def test_an_older_scikit_learn_loads_the_file_and_fails_at_the_first_prediction(
    run_nightly: dict[str, IncidentFinding],
) -> None:
    finding = run_nightly["sklearn-older-reads"]

    assert finding.verdict is IncidentVerdict.PREDICT
    assert "multi_class" in str(finding.error)
    _assert_refused(finding, "series")
    assert finding.guards.golden_code == "predict"


@pytest.mark.nightly
def test_pandas_3_moves_nothing_where_the_feature_code_is_careful(
    run_nightly: dict[str, IncidentFinding],
) -> None:
    finding = run_nightly["pandas-file"]

    assert finding.verdict is IncidentVerdict.SAME
    _assert_refused(finding, "missing-distribution")


@pytest.mark.nightly
def test_filling_in_place_under_pandas_3_is_silently_wrong_and_its_golden_set_tells(
    run_nightly: dict[str, IncidentFinding],
) -> None:
    finding = run_nightly["pandas-features"]

    _assert_wrong(finding)
    assert finding.warnings == ()
    # pandas 3 no longer brings pytz, which pandas 2 had loaded when the model was sealed.
    _assert_refused(finding, "missing-distribution")
    assert "pytz" in str(finding.guards.message)


def _run(laboratory: Laboratory, *names: str) -> dict[str, IncidentFinding]:
    experiments = laboratory.run(BY_NAME[name] for name in names)
    return {experiment.finding.name: experiment.finding for experiment in experiments}


def _assert_wrong(finding: IncidentFinding) -> None:
    assert finding.verdict is IncidentVerdict.WRONG
    assert finding.comparison is not None
    assert finding.comparison.noticeable > 0
    assert finding.guards.golden_code == "golden"


def _assert_refused(finding: IncidentFinding, code: str) -> None:
    assert finding.guards.code == code
    assert not finding.guards.unpickled
