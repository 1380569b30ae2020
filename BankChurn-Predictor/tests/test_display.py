import pytest
from bankchurn.cli.display import show_report
from bankchurn.evaluation.metrics import Group
from bankchurn.training.train import TrainedModel


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_every_group_has_one_line_of_80_columns_that_begins_with_its_name(
    training: TrainedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = training.report.evaluation
    # Ten million customers, the most that are generated.
    metrics = evaluation.metrics.model_copy(update={"customers": 10_000_000})
    groups = [
        Group(attribute=group.attribute, value=group.value, metrics=metrics)
        for group in evaluation.groups
    ]
    evaluation = evaluation.model_copy(update={"metrics": metrics, "groups": groups})
    show_report(training.report.model_copy(update={"evaluation": evaluation}))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    heading = next(number for number, line in enumerate(lines) if "customers" in line)
    cells = [
        [cell.strip() for cell in line.split(line[0])[1:-1]]
        for line in lines[heading:]
        if line[0] in "┃│"
    ]
    assert cells[0] == ["group", "customers", "left", "AUC", "log loss", "selected", "TPR", "FPR"]
    assert [row[0] for row in cells[1:]] == [
        "all", "Female", "Male", "France", "Germany", "Spain",
        *[f"Age {band}" for band in ("18-29", "30-39", "40-49", "50-59", "60-100")],
    ]  # fmt: skip
    assert {row[1] for row in cells[1:]} == {"10,000,000"}
