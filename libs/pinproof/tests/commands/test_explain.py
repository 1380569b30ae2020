import pytest
from pinproof.cli import app
from pinproof.rules import RULES, Rule, documentation, summary
from typer.testing import CliRunner


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.CODE)
def test_a_rule_is_explained(rule: Rule) -> None:
    result = CliRunner().invoke(app, ["explain", rule.CODE.lower()])

    assert result.exit_code == 0
    assert result.stdout == f"{rule.CODE}  {documentation(rule)}\n"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.CODE)
def test_an_explanation_says_what_why_and_what_instead(rule: Rule) -> None:
    what, forbidden, why, instead = documentation(rule).split("\n\n")[:4]

    assert "\n" not in what
    assert forbidden.startswith("Forbidden")
    assert why.startswith("Why: ")
    assert instead.startswith("Instead: ")


def test_without_a_code_all_are_listed() -> None:
    result = CliRunner().invoke(app, ["explain"])

    assert result.stdout.splitlines() == [f"{rule.CODE}  {summary(rule)}" for rule in RULES]


def test_an_unknown_code_is_refused() -> None:
    result = CliRunner().invoke(app, ["explain", "PIN999"])

    assert result.exit_code == 2
    assert result.stderr.startswith("pinproof: There is no rule PIN999. Name one of PIN001, ")
