"""The report of a proof: the checks, the versions at both ends, and the numbers."""

from pinproof.proof.document import Document, State, mark, paragraphs, table
from pinproof.proof.output_differences import OutputDifference
from pinproof.proof.prove import CHECKS, PythonProof, ServiceProof

ENDS = ("floor", "ceiling")
DIFFERENCE_HEADER = ("Output", "Largest difference", "Inputs that moved", "Decisions flipped")


def describe(proof: ServiceProof) -> Document:
    """The report."""
    failed = sum(f.state is State.BAD for python in proof.pythons for f in python.findings)
    pythons = " and ".join(python.python for python in proof.pythons)
    summary = (
        "The lowest and the highest versions that the pins admit were installed and checked under "
        f"Python {pythons}. {f'{failed} of the checks failed' if failed else 'No check failed'}."
    )
    if proof.absent:
        summary += f" Not proven, because not on this machine: {', '.join(proof.absent)}."
    return Document(
        title=f"The pins of {proof.service}",
        verdict="Proven" if proof.proven else "Not proven",
        state=State.GOOD if proof.proven else State.BAD,
        summary=summary,
        sections=[_checks(proof), _numbers(proof), *map(_versions, proof.pythons), _meaning()],
    )


def difference_rows(label: str, differences: tuple[OutputDifference, ...]) -> list[list[str]]:
    """One row for each output, below `DIFFERENCE_HEADER` and the header of the label."""
    return [
        [
            *(label, each.output, f"{each.largest:.3g}"),
            *(f"{each.moved} of {each.inputs}", str(each.flipped)),
        ]
        for each in differences
    ]


def _checks(proof: ServiceProof) -> str:
    header = ["", *(f"Python {p.python}, {end}" for p in proof.pythons for end in ENDS)]
    rows = [[title] for title in CHECKS.values()]
    for row, check in zip(rows, CHECKS, strict=True):
        for python in proof.pythons:
            results = {each.end: each for each in python.findings if each.check == check}
            for end in ENDS:
                result = results.get(end)
                row.append(mark(result.state, result.text) if result else "-")
    return table("Checks", header, rows)


def _numbers(proof: ServiceProof) -> str:
    rows = [row for p in proof.pythons for row in difference_rows(p.python, p.retrained)]
    title = "Model trained at the ceiling compared with the one trained at the floor"
    return table(title, ("Python", *DIFFERENCE_HEADER), rows)


def _versions(python: PythonProof) -> str:
    ends = [dict(pin.split("==", 1) for pin in python.pins[end]) for end in ENDS]
    versions = [
        [name, *(end.get(name, "-") for end in ends)] for name in sorted(set[str]().union(*ends))
    ]
    rows = [row for row in versions if row[1] != row[2]]
    title = f"Versions that differ under Python {python.python}"
    return table(f"{title}; {len(versions) - len(rows)} are equal", ("Distribution", *ENDS), rows)


def _meaning() -> str:
    return paragraphs(
        "What this proves",
        "The floor takes the lowest version that each pin admits, the ceiling the highest. A model "
        "that was sealed at the floor must open at the ceiling: this is what patch updates do in "
        "production. The reverse is shown too. It is refused if a guarded distribution would be "
        "older than the version that wrote the model.",
        "Versions between the two ends were not installed. Predictions were compared on the golden "
        "inputs, and models by the metrics of the manifest, on the platform of this machine.",
    )
