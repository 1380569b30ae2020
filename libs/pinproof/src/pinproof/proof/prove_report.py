"""The report of a proof: the matrix, what the pins resolve to, and the numbers."""

from pinproof.proof.document import Cell, Document, State, Table, Text
from pinproof.proof.output_differences import OutputDifference
from pinproof.proof.prove import CHECKS, PythonProof, ServiceProof

__all__ = ["describe", "difference_rows"]

ENDS = ("floor", "ceiling")


def describe(proof: ServiceProof) -> Document:
    """The report."""
    bad = sum(f.state is State.BAD for python in proof.pythons for f in python.findings)
    pythons = " and ".join(python.python for python in proof.pythons)
    summary = (
        f"The lowest and the highest versions that the pins admit were installed and tried under "
        f"Python {pythons}. "
    )
    summary += f"{bad} of the checks failed." if bad else "Nothing failed."
    if proof.absent:
        summary += f" Not on this machine, and so not proven: {', '.join(proof.absent)}."
    return Document(
        title=f"The pins of {proof.service}",
        verdict="Proven" if proof.proven else "Not proven",
        state=State.GOOD if proof.proven else State.BAD,
        summary=summary,
        blocks=[_matrix(proof), _numbers(proof), *map(_range, proof.pythons), _meaning()],
    )


def difference_rows(label: str, moved: tuple[OutputDifference, ...]) -> list[list[Cell]]:
    """One row for each output: how far it moved."""
    return [
        [
            Cell(label),
            Cell(movement.output),
            Cell(f"{movement.largest:.3g}"),
            Cell(f"{movement.moved} of {movement.inputs}"),
            Cell(str(movement.flipped)),
        ]
        for movement in moved
    ]


def _matrix(proof: ServiceProof) -> Table:
    header = ["", *(f"Python {p.python}, {end}" for p in proof.pythons for end in ENDS)]
    rows = []
    for check, title in CHECKS.items():
        row = [Cell(title)]
        for python in proof.pythons:
            for end in ENDS:
                found = [f for f in python.findings if (f.check, f.end) == (check, end)]
                row.append(Cell(found[0].text, found[0].state) if found else Cell("-"))
        rows.append(row)
    return Table("The matrix", header, rows)


def _numbers(proof: ServiceProof) -> Table:
    header = ("Python", "Output", "Largest difference", "Inputs that moved", "Decisions flipped")
    rows = [row for p in proof.pythons for row in difference_rows(p.python, p.retrained)]
    return Table("Trained at the ceiling, beside trained at the floor", header, rows)


def _range(python: PythonProof) -> Table:
    ends = {end: dict(pin.split("==", 1) for pin in pins) for end, pins in python.pins.items()}
    names = sorted(set[str]().union(*ends.values()))
    versions = [(name, [ends[end].get(name, "-") for end in ENDS]) for name in names]
    rows = [
        [Cell(name), *(Cell(version) for version in both)]
        for name, both in versions
        if both[0] != both[1]
    ]
    same = len(versions) - len(rows)
    title = f"What differs under Python {python.python}; {same} are the same at both ends"
    return Table(title, ("Distribution", *ENDS), rows)


def _meaning() -> Text:
    ends = (
        "The floor takes the lowest version that each pin admits, the ceiling the highest. A model "
        "that was sealed at the floor must open at the ceiling: that is what patch updates do in "
        "production. The reverse is shown, and is refused wherever a guarded distribution would be "
        "older than the writer's."
    )
    limits = (
        "Versions between the two ends were not installed, and answers were compared on the golden "
        "inputs and the metrics of the manifest, on this machine's platform."
    )
    return Text("What this proves", [ends, limits])
