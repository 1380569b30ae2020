"""Comparison of the model in use with the challenger that answers in its shadow.

Both answered the same requests: their answers join by the prediction id. Differences are computed
from all pairs, quantiles from a sample of large windows. Metrics are compared on the same rows, of
which large windows have a sample, too.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from modelwatch.challenge.bootstrap import Comparison
from modelwatch.profile import NumberProfile, ReferenceProfile, Task
from modelwatch.reporting.log_tables import LogTables
from modelwatch.reporting.performance import MIN_OUTCOMES
from modelwatch.reporting.shadow_differences import (
    BOTH,
    CategoryDifference,
    NumberDifference,
    category_difference,
    challenger_column,
    champion_column,
    number_difference,
)
from modelwatch.reporting.shadow_metrics import compare_metrics
from modelwatch.reporting.sql import identifier, text_literal
from modelwatch.reporting.window import MAX_GROUPS, group_expression, number_expression
from modelwatch.schema import feature_column, output_column

__all__ = ["MIN_PAIRS", "ShadowGroup", "ShadowReport", "compare_shadow"]

MIN_PAIRS: Final = 200
"""Fewer pairs of answers than these are not compared."""


class ShadowGroup(NamedTuple):
    """A group.

    Attributes:
        pairs: Pairs of answers.
        outputs: For each output, the mean difference and the mean absolute difference of a number,
            or the agreement of a category.
        outcomes: Pairs whose metrics are compared.
        metrics: Metrics of both models on these that are sums or means; empty if there are too few.
    """

    pairs: int
    outputs: dict[str, dict[str, float]]
    outcomes: int
    metrics: dict[str, Comparison]


class ShadowReport(NamedTuple):
    """The comparison of a window.

    Attributes:
        challenger: Digest of the challenger; of several, the one with the most answers.
        models: Answers of each challenger in the shadow.
        pairs: Answers of the model in use that the challenger answered, too.
        share: Their share of the answers of the model in use.
        outputs: The difference of each output; empty if there are too few pairs.
        outcomes: Pairs whose outcome is known.
        compared: Those of them whose metrics are compared.
        metrics: Metrics of both models on these; empty if there are too few.
        groups: For each group feature, its groups, the frequent ones first.
    """

    challenger: str
    models: dict[str, int]
    pairs: int
    share: float
    outputs: dict[str, NumberDifference | CategoryDifference]
    outcomes: int
    compared: int
    metrics: dict[str, Comparison]
    groups: dict[str, dict[str, ShadowGroup]]

    def document(self) -> dict[str, Any]:
        """The comparison as a JSON document."""
        return {
            "challenger": self.challenger,
            "models": self.models,
            "pairs": self.pairs,
            "share": self.share,
            "smallest": {"pairs": MIN_PAIRS, "outcomes": MIN_OUTCOMES},
            "outputs": {name: _output(one) for name, one in self.outputs.items()},
            "outcomes": self.outcomes,
            "compared": self.compared,
            "metrics": {name: one._asdict() for name, one in self.metrics.items()},
            "groups": {
                feature: {
                    name: one._asdict()
                    | {"metrics": {metric: each._asdict() for metric, each in one.metrics.items()}}
                    for name, one in groups.items()
                }
                for feature, groups in self.groups.items()
            },
        }


def compare_shadow(
    tables: LogTables, profile: ReferenceProfile, days: tuple[str, str], outcomes: str
) -> ShadowReport | None:
    """Compare the answers of the shadow in some days with those of the model in use.

    Args:
        tables: The log, with its predictions.
        profile: The reference, which names outputs, groups and task.
        days: The first and the last day.
        outcomes: Table with the columns ``prediction_id`` and ``outcome``.

    Returns:
        None if the log has no answers of a shadow in these days.

    Raises:
        StoreError: The log cannot be read.
    """
    columns = tables.add_shadow(days)
    if not columns:
        return None
    models = {
        str(model): int(count)
        for model, count in tables.connection.execute(
            "select model, count(*) from shadow group by 1 order by 2 desc, 1"
        ).fetchall()
    }
    challenger = next(iter(models))
    outputs = [
        name
        for name in profile.outputs
        if output_column(name) in tables.columns and output_column(name) in columns
    ]
    task = profile.task
    ends = [one for one in (task.low, task.high) if one is not None] if task else []
    if task is not None and not columns.issuperset(map(output_column, [task.output, *ends])):
        task = None
    _create_pairs(tables, profile, challenger, {*outputs, *(ends if task else ())}, outcomes)
    pairs, known = tables.count("pairs"), tables.count("pairs", "outcome is not null")
    compared, metrics = compare_metrics(tables, task, known)
    return ShadowReport(
        challenger=challenger,
        models=models,
        pairs=pairs,
        share=pairs / tables.count("predictions"),
        outputs=_differences(tables, profile, outputs, pairs),
        outcomes=known,
        compared=compared,
        metrics=metrics,
        groups=_groups(tables, profile, task, outputs, known) if pairs >= MIN_PAIRS else {},
    )


def _output(found: NumberDifference | CategoryDifference) -> dict[str, Any]:
    document = found._asdict()
    if isinstance(found, NumberDifference):
        # What only the page shows.
        return {"kind": "number"} | {
            name: value for name, value in document.items() if name not in {"grid", "low", "high"}
        }
    names = ("champion", "challenger", "pairs")
    return (
        {"kind": "category"}
        | document
        | {"confusion": [dict(zip(names, cell, strict=True)) for cell in found.confusion]}
    )


def _create_pairs(
    tables: LogTables,
    profile: ReferenceProfile,
    challenger: str,
    outputs: Collection[str],
    outcomes: str,
) -> None:
    """Create ``pairs``: both answers to a row, with its groups and its outcome."""
    chosen = ["p.prediction_id", "o.outcome"]
    for name in sorted(outputs):
        column = identifier(output_column(name))
        chosen += [
            f"p.{column} as {identifier(champion_column(name))}",
            f"s.{column} as {identifier(challenger_column(name))}",
        ]
    chosen += [
        f"p.{identifier(feature_column(feature))}"
        for feature in profile.groups
        if feature_column(feature) in tables.columns
    ]
    tables.connection.execute(
        f"create table pairs as select {', '.join(chosen)} from predictions p "
        f"join shadow s on s.prediction_id = p.prediction_id "
        f"and s.model = {text_literal(challenger)} "
        f"left join {outcomes} o on o.prediction_id = p.prediction_id"
    )


def _differences(
    tables: LogTables, profile: ReferenceProfile, outputs: Sequence[str], pairs: int
) -> dict[str, NumberDifference | CategoryDifference]:
    if pairs < MIN_PAIRS:
        return {}
    found: dict[str, NumberDifference | CategoryDifference] = {}
    for name in outputs:
        difference: NumberDifference | CategoryDifference | None = (
            number_difference(tables, name, pairs)
            if isinstance(profile.outputs[name], NumberProfile)
            else category_difference(tables, name)
        )
        if difference is not None:
            found[name] = difference
    return found


def _groups(
    tables: LogTables,
    profile: ReferenceProfile,
    task: Task | None,
    outputs: Sequence[str],
    known: int,
) -> dict[str, dict[str, ShadowGroup]]:
    found: dict[str, dict[str, ShadowGroup]] = {}
    for feature in profile.groups:
        if feature_column(feature) not in tables.columns:
            continue
        expression = group_expression(profile, feature)
        measures = [
            (name, measure, query)
            for name in outputs
            for measure, query in _measures(profile, name).items()
        ]
        queries = "".join(f", {query}" for _, _, query in measures)
        rows = tables.connection.execute(
            f"select {expression} as name, count(*){queries} from pairs group by 1 "
            f"order by 2 desc, 1 limit {MAX_GROUPS}"
        ).fetchall()
        found[feature] = {}
        for group, pairs, *values in rows:
            differences: dict[str, dict[str, float]] = {}
            for (name, measure, _), value in zip(measures, values, strict=True):
                if value is not None and pairs >= MIN_PAIRS:
                    differences.setdefault(name, {})[measure] = float(value)
            condition = f"{expression} = {text_literal(str(group))}"
            compared, metrics = compare_metrics(tables, task, known, group=condition)
            found[feature][str(group)] = ShadowGroup(int(pairs), differences, compared, metrics)
    return found


def _measures(profile: ReferenceProfile, name: str) -> dict[str, str]:
    if isinstance(profile.outputs[name], NumberProfile):
        x, y = (number_expression(column(name)) for column in BOTH)
        return {"mean": f"avg({y} - {x})", "mean_absolute": f"avg(abs({y} - {x}))"}
    x, y = (identifier(column(name)) for column in BOTH)
    return {"agreement": f"avg(({x} = {y})::int)"}
