"""The report of a trial: the verdict, the evidence, what moves along, and the patch."""

from pinproof.proof.document import Cell, Code, Document, State, Table, Text
from pinproof.proof.prove_report import movement_rows
from pinproof.proof.retraining import largest_of
from pinproof.proof.trial import Evidence, Trial, TrialVerdict

__all__ = ["describe"]

_STATES = {TrialVerdict.COMPATIBLE: State.GOOD, TrialVerdict.NEEDS_RETRAINING: State.NOTE}


def describe(trial: Trial) -> Document:
    """The report."""
    changes = ", ".join(trial.changes)
    blocks: list[Table | Text | Code] = []
    if trial.verdict is TrialVerdict.CANNOT_RESOLVE:
        blocks.append(Text("Why, in the resolver's words", [f"{trial.explanation}."]))
    else:
        blocks += [_evidence(trial.evidence), _numbers(trial.evidence), _moved(trial)]
        blocks.append(Code("The patch of the requirement files", trial.patch))
    return Document(
        title=f"{trial.service} with {changes}, under Python {trial.python}",
        verdict=str(trial.verdict).capitalize(),
        state=_STATES.get(trial.verdict, State.BAD),
        summary=summary(trial),
        blocks=blocks,
    )


def summary(trial: Trial) -> str:
    """The verdict in a sentence or two."""
    evidence = trial.evidence
    largest = largest_of(evidence.answers)
    flipped = sum(movement.flipped for movement in evidence.answers)
    collide = " and ".join(trial.collision)
    match trial.verdict:
        case TrialVerdict.CANNOT_RESOLVE:
            pair = len(trial.collision) > 1
            text = f"{collide} collide." if pair else f"No release of {collide} fits."
        case TrialVerdict.COMPATIBLE:
            text = "Today's model opens and answers the same, and one trained anew is as good."
        case TrialVerdict.NEEDS_RETRAINING if evidence.failed_at is None:
            text = (
                f"Today's model would answer the same (largest difference {largest:.2g}), but its "
                f"seal refuses it: {evidence.refusal_message} One trained anew is as good."
            )
        case TrialVerdict.NEEDS_RETRAINING:
            text = f"Today's model fails at {evidence.failed_at}; one trained anew is as good."
        case TrialVerdict.BREAKS_AT_IMPORT:
            text = "; ".join(evidence.import_failures) or evidence.failure
        case TrialVerdict.BREAKS_AT_TRAINING:
            last = evidence.training_error.rpartition("\n")[2]
            text = f"Today's model answers the same, but none can be trained any more: {last}"
        case TrialVerdict.SILENTLY_DIFFERENT if not evidence.moved:
            text = "Today's model answers the same, but one trained anew is not as good."
        case TrialVerdict.SILENTLY_DIFFERENT:
            text = (
                f"Nothing fails, and the answers are others: by up to {largest:.3g}, with "
                f"{flipped} decisions flipped."
            )
        case _:
            last = evidence.training_error.rpartition("\n")[2]
            text = f"{evidence.failure} Trained anew: {last or 'not as good.'}"
    return text


def _evidence(evidence: Evidence) -> Table:
    good, bad = State.GOOD, State.BAD
    imports = "; ".join(evidence.import_failures)
    trained = evidence.training_error or "It trains and seals"
    rows = [
        [
            Cell("Every module imports"),
            Cell(imports or "All that do today", bad if imports else good),
        ]
    ]
    if evidence.failed_at is not None:
        told = Cell(f"Fails at {evidence.failed_at}: {evidence.failure}", bad)
    else:
        largest = f"It answers; largest difference {largest_of(evidence.answers):.3g}"
        told = Cell(largest, bad if evidence.moved else good)
    refused = (
        Cell("It opens", good)
        if evidence.refusal is None
        else Cell(f"Refused ({evidence.refusal}): {evidence.refusal_message}", State.NOTE)
    )
    rows += [
        [Cell("Today's model, unguarded"), told],
        [Cell("Today's model, sealed"), refused],
        [Cell("A model trained anew"), Cell(trained, bad if evidence.training_error else good)],
    ]
    for metric in evidence.metrics:
        state = good if metric.held else bad
        rows.append([Cell("Its metric beside today's"), Cell(str(metric), state)])
    return Table("Evidence", ("What was tried", "What was found"), rows)


def _numbers(evidence: Evidence) -> Table:
    header = ("Model", "Output", "Largest difference", "Inputs that moved", "Decisions flipped")
    rows = movement_rows("today's", evidence.answers)
    rows += movement_rows("trained anew", evidence.retrained)
    return Table("Answers to the golden inputs, beside today's", header, rows)


def _moved(trial: Trial) -> Table:
    asked = dict.fromkeys(trial.coupled_upgrades, "must move along")
    names = {pin.partition("~")[0] for pin in asked}
    rows = [
        [
            Cell(moved.name),
            Cell(moved.before or "-"),
            Cell(moved.after or "-"),
            Cell("its pin must move along" if moved.name in names else ""),
        ]
        for moved in trial.moved
    ]
    return Table("Distributions that move", ("Distribution", "Today", "Then", ""), rows)
