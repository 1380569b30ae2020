import numpy as np
import pytest
from challenges import BINARY, Noise, draw_pair, entrant_of, manifest_of, scores_of
from modelwatch.challenge.bootstrap import EQUAL_PROMOTED, compare
from modelwatch.challenge.decision import Decision, decide
from modelwatch.challenge.declaration import Declaration
from modelwatch.challenge.gates import Gate
from modelwatch.challenge.scores import Scores
from modelwatch.errors import ChallengeError
from modelwatch.profile import Task
from modelwatch.reporting.metrics import BINARY as METRICS
from modelwatch.reporting.metrics import Floats

EQUAL, BETTER = Noise(0.6), Noise(0.2)


def gate(decision: Decision, name: str) -> Gate:
    [found] = [one for one in decision.gates if one.name == name]
    return found


def decision_of(champion: Floats, challenger: Floats, **changes: object) -> Decision:
    return decide(
        entrant_of(scores_of(champion, **changes)),
        entrant_of(scores_of(challenger, **changes)),
        BINARY,
    )


@pytest.mark.parametrize(
    ("metric", "challenges"),
    [("log_loss", 100), pytest.param("auc", 40, marks=pytest.mark.nightly)],
)
def test_equal_challengers_are_promoted_at_most_as_often_as_declared(
    metric: str, challenges: int
) -> None:
    promoted = 0
    for seed in range(challenges):
        cells = draw_pair(250, np.random.default_rng(seed), EQUAL, EQUAL)
        found = compare(metric, METRICS[metric], *cells, np.arange(250), additive=False)
        promoted += found.low > 0
    assert promoted <= EQUAL_PROMOTED * challenges
    # The bootstrap is no excuse for a gate that nothing passes.
    cells = draw_pair(3000, np.random.default_rng(0), EQUAL, BETTER)
    assert compare(metric, METRICS[metric], *cells, np.arange(3000), additive=False).low > 0


def test_equal_challengers_are_not_promoted_more_often_if_rows_repeat_in_blocks() -> None:
    """Ten times the same rows are no more evidence than once."""
    challenges, as_blocks, as_rows = 25, 0, 0
    for seed in range(challenges):
        cells = draw_pair(100, np.random.default_rng(seed), EQUAL, EQUAL)
        one, other = (np.tile(each, (10, 1)) for each in cells)
        blocks = np.tile(np.arange(100), 10)
        metric = METRICS["log_loss"]
        as_blocks += compare("log_loss", metric, one, other, blocks, additive=False).low > 0
        as_rows += compare("log_loss", metric, one, other, np.arange(1000), additive=False).low > 0
    assert as_blocks <= EQUAL_PROMOTED * challenges
    assert as_rows > 3 * EQUAL_PROMOTED * challenges


def test_rows_that_the_champion_may_have_seen_are_not_compared() -> None:
    cells = draw_pair(3000, np.random.default_rng(1), EQUAL, BETTER)
    seen = ("yes",) * 500 + ("unknown",) * 500 + ("no",) * 2000
    found = decision_of(*cells, trained_on=seen)
    assert (found.held_out, found.compared) == (3000, 2000)
    expected = METRICS["log_loss"](cells[0][1000:])
    assert found.metrics["log_loss"].champion == pytest.approx(expected)


def test_too_few_rows_or_blocks_decide_nothing() -> None:
    cells = draw_pair(3000, np.random.default_rng(1), EQUAL, BETTER)
    few = ("no",) * 199 + ("unknown",) * 2801
    with pytest.raises(ChallengeError, match="Only 199 held-out rows are certainly not"):
        decision_of(*cells, trained_on=few)
    blocks = tuple(str(number % 19) for number in range(3000))
    with pytest.raises(ChallengeError, match="are 19 blocks that are independent"):
        decision_of(*cells, blocks=blocks)


def test_scores_of_other_rows_decide_nothing() -> None:
    cells = draw_pair(300, np.random.default_rng(1), EQUAL, BETTER)
    other = scores_of(cells[1])
    flipped = ("1" if other.outcomes[0] == "0" else "0", *other.outcomes[1:])
    with pytest.raises(ChallengeError, match="The rows, outcomes or groups of the scores"):
        decide(
            entrant_of(scores_of(cells[0])), entrant_of(other._replace(outcomes=flipped)), BINARY
        )


def test_a_group_with_too_few_rows_is_named_and_not_compared() -> None:
    cells = draw_pair(2000, np.random.default_rng(1), EQUAL, BETTER)
    values = ("rare",) * 199 + ("other",) * 1801
    found = gate(decision_of(*cells, groups={"country": values}), "groups")
    assert found.passed
    assert found.figures["too_small"] == ["country rare"]
    assert "they have fewer than 200 rows: 1." in found.reason


def test_a_challenger_that_ranks_better_but_is_not_calibrated_fails_calibration() -> None:
    one, other = draw_pair(4000, np.random.default_rng(1), EQUAL, Noise(0.2, scale=1.7))
    by_rank = BINARY.model_copy(update={"metric": "auc"})
    found = decide(entrant_of(scores_of(one)), entrant_of(scores_of(other)), by_rank)
    assert [one.name for one in found.gates if not one.passed] == ["calibration"]
    assert found.metrics["auc"].low > 0


def labels(rows: int, right: float, confidence: float, *, seed: int) -> Scores:
    """Answers of three classes, a share of them right, all with one confidence."""
    random = np.random.default_rng(0)
    outcomes = random.choice(["a", "b", "c"], rows).tolist()
    own = np.random.default_rng(seed)
    following = {"a": "b", "b": "c", "c": "a"}
    predicted = [one if own.random() < right else following[one] for one in outcomes]
    return scores_of(
        np.ones((rows, 3)),
        outcomes=tuple(outcomes),
        outputs={"label": tuple(predicted), "confidence": (repr(confidence),) * rows},
    )


def test_classes_are_compared_by_macro_f1_and_the_calibration_of_the_confidence() -> None:
    declaration = Declaration(
        task=Task(kind="classes", output="label"),
        metric="macro_f1",
        confidence="confidence",
        group_margin=0.2,
        calibration_margin=0.05,
        plausible_gain=0.9,
    )
    champion = entrant_of(labels(2000, 0.7, 0.7, seed=1))
    found = decide(champion, entrant_of(labels(2000, 0.8, 0.8, seed=2)), declaration)
    assert found.promoted
    assert found.metrics["macro_f1"].challenger == pytest.approx(0.8, abs=0.02)
    overconfident = decide(champion, entrant_of(labels(2000, 0.8, 0.99, seed=2)), declaration)
    assert [one.name for one in overconfident.gates if not one.passed] == ["calibration"]


def forecasts(rows: int, spread: float, width: float, *, seed: int) -> Scores:
    """Forecasts of numbers, with an interval of a width around each; a day is a block."""
    truth = np.random.default_rng(0).gamma(5, 10, rows)
    value = truth + spread * np.random.default_rng(seed).normal(size=rows)
    outputs = {"demand": value, "low": value - width, "high": value + width}
    return scores_of(
        np.ones((rows, 3)),
        outcomes=tuple(map(repr, truth.tolist())),
        blocks=tuple(str(number // 24) for number in range(rows)),
        outputs={name: tuple(map(repr, one.tolist())) for name, one in outputs.items()},
    )


def test_numbers_are_compared_by_wape_and_the_coverage_of_the_interval() -> None:
    declaration = Declaration(
        task=Task(kind="number", output="demand", low="low", high="high", coverage=0.9),
        metric="wape",
        group_margin=0.1,
        calibration_margin=0.03,
        plausible_gain=0.5,
    )
    champion = entrant_of(forecasts(2400, 10.0, 16.45, seed=1))
    found = decide(champion, entrant_of(forecasts(2400, 8.0, 13.16, seed=2)), declaration)
    assert found.promoted
    assert found.metrics["wape"].gain == pytest.approx(
        0.2 * found.metrics["wape"].champion, abs=0.01
    )
    assert found.metrics["coverage"].challenger == pytest.approx(0.9, abs=0.02)
    narrow = decide(champion, entrant_of(forecasts(2400, 8.0, 8.0, seed=2)), declaration)
    assert [one.name for one in narrow.gates if not one.passed] == ["calibration"]


def gate_of(name: str, **changes: object) -> Gate:
    """A gate of a better challenger with these changes of its manifest."""
    cells = draw_pair(300, np.random.default_rng(1), EQUAL, BETTER)
    champion = entrant_of(scores_of(cells[0]), manifest_of())
    challenger = entrant_of(scores_of(cells[1]), manifest_of("2", **changes))
    return gate(decide(champion, challenger, BINARY), name)


def golden_gate(**changes: object) -> Gate:
    return gate_of("golden", **changes)


MOVED = {
    "inputs": [1, 2],
    "outputs": {"score": [0.25, 0.625], "label": ["low", "low"]},
    "tolerances": {"score": {"absolute": 1e-6}, "label": {}},
}


def test_moved_golden_answers_are_explained_by_what_differs() -> None:
    found = golden_gate(
        golden=MOVED,
        parameters={"seed": 2},
        environment={"numpy": {"version": "1.26.5", "guarded": True}},
    )
    assert found.passed
    assert found.reason == (
        "Golden answers moved: score 1 of 2 (by up to 0.125), label 1 of 2. Different: "
        "parameters.seed 1 to 2, numpy 1.26.4 to 1.26.5."
    )


def test_golden_answers_that_move_without_a_recorded_reason_fail() -> None:
    found = golden_gate(golden=MOVED)
    assert not found.passed
    assert "Nothing recorded explains it" in found.reason


@pytest.mark.parametrize(("model", "passed"), [(1_900, True), (2_100, False)])
def test_the_reference_profile_does_not_count_as_the_size_of_a_model(
    model: int, passed: bool
) -> None:
    sizes = {"model.json": model, "reference_profile.json": 50_000}
    files = {name: {"sha256": "0" * 64, "size": size} for name, size in sizes.items()}
    assert gate_of("size", files=files).passed is passed


def test_other_golden_inputs_are_not_compared() -> None:
    found = golden_gate(golden=MOVED | {"inputs": [1, 3]}, data={"sha256": "2"})
    assert (found.passed, found.figures["explained_by"]) == (True, ["data.sha256 1 to 2"])
    assert "The golden inputs are others" in found.reason
    assert golden_gate().reason == "No golden answer moved."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "wape"}, "wape is not one of auc, brier, log_loss"),
        ({"confidence": "confidence"}, "only the kind classes has it"),
        ({"group_margin": 0}, "greater than 0"),
        ({"plausible_gain": 1.5}, "less than 1"),
        ({"margin": 0.1}, "Extra inputs are not permitted"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Declaration.model_validate(BINARY.model_dump() | changes)
