"""The verdict that each kind of evidence leads to."""

import pytest
from pinproof.proof.metrics import Metric
from pinproof.proof.output_differences import OutputDifference
from pinproof.proof.trial import Evidence, TrialVerdict, decide

SAME, OTHER = OutputDifference("p", 0.0, 0, 0, 3), OutputDifference("p", 0.2, 2, 1, 3)
GOOD, WORSE = Metric("auc", 0.80, 0.81, 0.02), Metric("auc", 0.80, 0.70, 0.02)
ABSENT = Metric("auc", 0.80, None, 0.02)


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        (Evidence(answers=(SAME,), metrics=(GOOD,)), TrialVerdict.COMPATIBLE),
        (Evidence(answers=(SAME,), refusal="series"), TrialVerdict.NEEDS_RETRAINING),
        (Evidence(failed_at="load", metrics=(GOOD,)), TrialVerdict.NEEDS_RETRAINING),
        (Evidence(failed_at="predict", refusal="series"), TrialVerdict.NEEDS_RETRAINING),
        (Evidence(failed_at="load", metrics=(WORSE,)), TrialVerdict.BREAKS_AT_LOAD),
        (Evidence(failed_at="load", training_error="no"), TrialVerdict.BREAKS_AT_LOAD),
        (Evidence(failed_at="predict", training_error="no"), TrialVerdict.BREAKS_AT_PREDICT),
        (Evidence(failed_at="import", training_error="no"), TrialVerdict.BREAKS_AT_IMPORT),
        (Evidence(import_failures=("x: no",), answers=(SAME,)), TrialVerdict.BREAKS_AT_IMPORT),
        (Evidence(answers=(SAME, OTHER), refusal="series"), TrialVerdict.SILENTLY_DIFFERENT),
        (Evidence(answers=(OTHER,), training_error="no"), TrialVerdict.SILENTLY_DIFFERENT),
        (Evidence(answers=(SAME,), metrics=(WORSE,)), TrialVerdict.SILENTLY_DIFFERENT),
        (Evidence(answers=(SAME,), metrics=(ABSENT,)), TrialVerdict.SILENTLY_DIFFERENT),
        (Evidence(answers=(SAME,), training_error="no"), TrialVerdict.BREAKS_AT_TRAINING),
    ],
)
def test_verdict(evidence: Evidence, verdict: TrialVerdict) -> None:
    assert decide(evidence) is verdict
