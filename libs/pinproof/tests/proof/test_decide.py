"""The verdict that each kind of evidence leads to."""

import pytest
from pinproof.proof.comparison import Movement
from pinproof.proof.retraining import Metric
from pinproof.proof.trial import Evidence, Verdict, decide

SAME, OTHER = Movement("p", 0.0, 0, 0, 3), Movement("p", 0.2, 2, 1, 3)
GOOD, WORSE = Metric("auc", 0.80, 0.81, 0.02), Metric("auc", 0.80, 0.70, 0.02)
ABSENT = Metric("auc", 0.80, None, 0.02)


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        (Evidence(answers=(SAME,), metrics=(GOOD,)), Verdict.COMPATIBLE),
        (Evidence(answers=(SAME,), refusal="series"), Verdict.NEEDS_RETRAINING),
        (Evidence(failed_at="load", metrics=(GOOD,)), Verdict.NEEDS_RETRAINING),
        (Evidence(failed_at="predict", refusal="series"), Verdict.NEEDS_RETRAINING),
        (Evidence(failed_at="load", metrics=(WORSE,)), Verdict.BREAKS_AT_LOAD),
        (Evidence(failed_at="load", training_error="no"), Verdict.BREAKS_AT_LOAD),
        (Evidence(failed_at="predict", training_error="no"), Verdict.BREAKS_AT_PREDICT),
        (Evidence(failed_at="import", training_error="no"), Verdict.BREAKS_AT_IMPORT),
        (Evidence(import_failures=("x: no",), answers=(SAME,)), Verdict.BREAKS_AT_IMPORT),
        (Evidence(answers=(SAME, OTHER), refusal="series"), Verdict.SILENTLY_DIFFERENT),
        (Evidence(answers=(OTHER,), training_error="no"), Verdict.SILENTLY_DIFFERENT),
        (Evidence(answers=(SAME,), metrics=(WORSE,)), Verdict.SILENTLY_DIFFERENT),
        (Evidence(answers=(SAME,), metrics=(ABSENT,)), Verdict.SILENTLY_DIFFERENT),
        (Evidence(answers=(SAME,), training_error="no"), Verdict.BREAKS_AT_TRAINING),
    ],
)
def test_verdict(evidence: Evidence, verdict: Verdict) -> None:
    assert decide(evidence) is verdict
