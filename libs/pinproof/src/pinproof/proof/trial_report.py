"""The report of a trial: the verdict, the evidence, the versions that change, and the patch."""

from pinproof.proof.document import Document, State, diff, mark, paragraphs, table
from pinproof.proof.output_differences import largest_of
from pinproof.proof.prove_report import DIFFERENCE_HEADER, difference_rows
from pinproof.proof.trial import Evidence, Trial, TrialVerdict

_STATES = {TrialVerdict.COMPATIBLE: State.GOOD, TrialVerdict.NEEDS_RETRAINING: State.NOTE}


def describe(trial: Trial) -> Document:
    """The report."""
    if trial.verdict is TrialVerdict.CANNOT_RESOLVE:
        sections = [paragraphs("Explanation of the resolver", f"{trial.explanation}.")]
    else:
        sections = [
            _evidence(trial.evidence),
            _numbers(trial.evidence),
            _versions(trial),
            diff("Patch of the requirements files", trial.patch),
        ]
    return Document(
        title=f"{trial.service} with {', '.join(trial.changes)}, under Python {trial.python}",
        verdict=str(trial.verdict).capitalize(),
        state=_STATES.get(trial.verdict, State.BAD),
        summary=summary(trial),
        sections=sections,
    )


def summary(trial: Trial) -> str:
    """The verdict in one or two sentences."""
    evidence = trial.evidence
    largest = largest_of(evidence.answers)
    flipped = sum(movement.flipped for movement in evidence.answers)
    collide = " and ".join(trial.collision)
    match trial.verdict:
        case TrialVerdict.CANNOT_RESOLVE:
            pair = len(trial.collision) > 1
            text = f"{collide} conflict." if pair else f"No release of {collide} matches."
        case TrialVerdict.COMPATIBLE:
            text = "Today's model opens and predicts the same, and a retrained one is as good."
        case TrialVerdict.NEEDS_RETRAINING if evidence.failed_at is None:
            text = (
                f"Today's model would predict the same (largest difference {largest:.2g}), but its "
                f"seal refuses it: {evidence.refusal_message} A retrained one is as good."
            )
        case TrialVerdict.NEEDS_RETRAINING:
            text = f"Today's model fails at {evidence.failed_at}; a retrained one is as good."
        case TrialVerdict.BREAKS_AT_IMPORT:
            text = "; ".join(evidence.import_failures) or evidence.failure
        case TrialVerdict.BREAKS_AT_TRAINING:
            last = evidence.training_error.rpartition("\n")[2]
            text = f"Today's model predicts the same, but training fails: {last}"
        case TrialVerdict.SILENTLY_DIFFERENT if not evidence.moved:
            text = "Today's model predicts the same, but a retrained one is not as good."
        case TrialVerdict.SILENTLY_DIFFERENT:
            text = (
                f"Nothing fails, but predictions differ by up to {largest:.3g}, and {flipped} "
                "decisions change."
            )
        case _:
            last = evidence.training_error.rpartition("\n")[2]
            text = f"{evidence.failure} Retrained: {last or 'not as good.'}"
    return text


def _evidence(evidence: Evidence) -> str:
    imports = "; ".join(evidence.import_failures)
    if evidence.failed_at is not None:
        state, text = State.BAD, f"Fails at {evidence.failed_at}: {evidence.failure}"
    else:
        state = State.BAD if evidence.moved else State.GOOD
        text = f"It predicts; largest difference {largest_of(evidence.answers):.3g}"
    opened = mark(State.GOOD, "It opens")
    if evidence.refusal is not None:
        opened = mark(State.NOTE, f"Refused ({evidence.refusal}): {evidence.refusal_message}")
    trained = evidence.training_error or "It trains and seals"
    rows = [
        ["Every module imports", _mark(not imports, imports or "All that import today")],
        ["Today's model, seal not checked", mark(state, text)],
        ["Today's model, seal checked", opened],
        ["Retrained model", _mark(not evidence.training_error, trained)],
    ]
    rows += [
        ["Its metric compared with today's", _mark(metric.within_band, str(metric))]
        for metric in evidence.metrics
    ]
    return table("Evidence", ("Check", "Result"), rows)


def _mark(good: bool, text: str) -> str:
    return mark(State.GOOD if good else State.BAD, text)


def _numbers(evidence: Evidence) -> str:
    rows = difference_rows("today's", evidence.answers)
    rows += difference_rows("retrained", evidence.retrained)
    title = "Predictions of the golden inputs compared with today's"
    return table(title, ("Model", *DIFFERENCE_HEADER), rows)


def _versions(trial: Trial) -> str:
    coupled = {pin.partition("~")[0] for pin in trial.coupled_upgrades}
    rows = [
        [
            *(each.name, each.before or "-", each.after or "-"),
            "its pin must change too" if each.name in coupled else "",
        ]
        for each in trial.moved
    ]
    return table("Versions that change", ("Distribution", "Today", "Then", ""), rows)
