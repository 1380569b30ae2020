import pytest
from bankchurn.responses import confidence, risk_level


@pytest.mark.parametrize(
    ("probability", "level"),
    [
        (0.0, "LOW"),
        (0.2999, "LOW"),
        (0.3, "MEDIUM"),
        (0.6999, "MEDIUM"),
        (0.7, "HIGH"),
        (1.0, "HIGH"),
    ],
)
def test_risk_levels_begin_at_three_and_seven_tenths(probability: float, level: str) -> None:
    assert risk_level(probability) == level


def test_confidence_is_none_at_one_half_and_full_at_the_ends() -> None:
    assert [confidence(p) for p in (0.5, 0.0, 1.0, 0.75)] == [0.0, 1.0, 1.0, 0.5]
