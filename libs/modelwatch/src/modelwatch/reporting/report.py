"""The report of a window of the log: drift, performance, groups."""

import time
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from modelwatch.errors import DocumentError
from modelwatch.profile import ReferenceProfile
from modelwatch.reporting.drift import ALPHA, MIN_ROWS, ColumnDrift, find_drift
from modelwatch.reporting.log_tables import LogTables, open_tables
from modelwatch.reporting.performance import MIN_OUTCOMES, Performance, measure
from modelwatch.reporting.shadow import ShadowReport, compare_shadow
from modelwatch.reporting.sql import identifier, text_literal
from modelwatch.reporting.truth import BY_ID
from modelwatch.reporting.window import (
    MAX_GROUPS,
    WindowColumn,
    group_expression,
    named_columns,
    number_expression,
    read_columns,
)
from modelwatch.schema import feature_column, output_column
from modelwatch.store import Store

__all__ = ["Report", "make_report"]

MAX_SAMPLED: Final = 1_000_000
"""Rows that are tested for drift, of larger windows. Performance is measured on all rows."""


class Report(NamedTuple):
    """A report.

    Attributes:
        created: Time of the report in seconds since 1970.
        first: First day of the window.
        last: Last day of the window.
        rows: Predictions in the window.
        sampled: Predictions that were tested for drift.
        models: Predictions of each model.
        profile: The reference.
        columns: The counts of each column.
        drift: The comparison of each column with the reference.
        truth_rows: Predictions whose outcome is known.
        performance: Performance of all rows; None without a task.
        groups: For each group feature, the performance of each group.
        outputs: For each group feature and group, the mean of each numeric output.
        shadow: The comparison with the challenger in the shadow; None without its answers.
    """

    created: float
    first: date
    last: date
    rows: int
    sampled: int
    models: dict[str, int]
    profile: ReferenceProfile
    columns: dict[str, WindowColumn]
    drift: dict[str, ColumnDrift]
    truth_rows: int
    performance: Performance | None
    groups: dict[str, dict[str, Performance]]
    outputs: dict[str, dict[str, dict[str, float]]]
    shadow: ShadowReport | None

    def document(self) -> dict[str, Any]:
        """The report as a JSON document."""
        return {
            "format": 1,
            "created": datetime.fromtimestamp(self.created, UTC).isoformat(timespec="seconds"),
            "window": {"from": self.first.isoformat(), "to": self.last.isoformat()},
            "rows": self.rows,
            "rows_tested_for_drift": self.sampled,
            "models": self.models,
            "false_alarm_rate": ALPHA,
            "smallest_window": {"rows": MIN_ROWS, "outcomes": MIN_OUTCOMES},
            "drift": {name: one._asdict() for name, one in self.drift.items()},
            "truth_rows": self.truth_rows,
            "performance": self.performance and _performance(self.performance),
            "groups": {
                feature: {
                    name: _performance(one) | {"outputs": self.outputs[feature].get(name, {})}
                    for name, one in groups.items()
                }
                for feature, groups in self.groups.items()
            },
            "shadow": self.shadow and self.shadow.document(),
        }


def make_report(store: Store, profile: ReferenceProfile, first: date, last: date) -> Report:
    """Compare the predictions of some days with the reference.

    Args:
        store: The log.
        profile: The reference.
        first: First day (UTC).
        last: Last day.

    Raises:
        StoreError: The log cannot be read.
        DocumentError: The log has no predictions in these days, or lacks an output of the task.
    """
    days = first.isoformat(), last.isoformat()
    with open_tables(store) as tables:
        tables.add_predictions(days)
        if not tables.columns:
            raise DocumentError(
                f"{store.address} has no predictions from {first} to {last}.",
                remedy="Check --log, --from and --to.",
            )
        _check_task(tables, profile)
        tables.add_truth()
        rows = tables.count("predictions")
        _create_tables(tables, profile, rows)
        columns = read_columns(tables, profile, "sampled")
        connection = tables.connection
        return Report(
            created=time.time(),
            first=first,
            last=last,
            rows=rows,
            sampled=tables.count("sampled"),
            models={
                str(model): int(count)
                for model, count in connection.execute(
                    "select model, count(*) from predictions group by 1 order by 2 desc"
                ).fetchall()
            },
            profile=profile,
            columns=columns,
            drift=find_drift(named_columns(profile), columns),
            truth_rows=tables.count("joined"),
            performance=_whole_performance(tables, profile),
            groups=_group_performance(tables, profile),
            outputs=_group_outputs(tables, profile),
            shadow=compare_shadow(tables, profile, days, "joined"),
        )


def _performance(found: Performance) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "metrics": {name: one._asdict() for name, one in found.metrics.items()},
        "calibration": [
            {"probability": mean, "positive": share, "rows": rows}
            for mean, share, rows in found.calibration
        ],
    }


def _check_task(tables: LogTables, profile: ReferenceProfile) -> None:
    task = profile.task
    for name in (task.output, task.low, task.high) if task else ():
        if name is not None and output_column(name) not in tables.columns:
            raise DocumentError(
                f"The log has no output {name}, which the profile compares with the truth.",
                remedy="Give the profile of the model that made these predictions.",
            )


def _create_tables(tables: LogTables, profile: ReferenceProfile, rows: int) -> None:
    """Create ``sampled`` (rows to test for drift) and ``joined`` (rows with an outcome)."""
    every = -(-rows // MAX_SAMPLED)
    needed = ["prediction_id", *(name for name in named_columns(profile) if name in tables.columns)]
    columns = ", ".join(identifier(name) for name in needed)
    tables.connection.execute(
        f"create table sampled as select {columns} from predictions "
        f"where hash(prediction_id) % {every} = 0"
    )
    kinds = [
        str(kind)
        for (kind,) in tables.connection.execute("select distinct ref_kind from truth").fetchall()
    ]
    tables.connection.execute(f"create table joined as {_joined(tables, profile, kinds)}")


def _joined(tables: LogTables, profile: ReferenceProfile, kinds: list[str]) -> str:
    """Query of the predictions with an outcome; an outcome by the prediction id comes first."""
    task = profile.task
    names = (
        {output_column(name) for name in (task.output, task.low, task.high) if name}
        if task
        else set()
    )
    names |= {feature_column(name) for name in profile.groups} & tables.columns.keys()
    references = {BY_ID: "prediction_id"} | {
        kind: found
        for kind in kinds
        if kind != BY_ID
        and (found := tables.key_reference(tuple(kind.removeprefix("key:").split(","))))
    }
    joins, outcomes = [], []
    for number, (kind, found) in enumerate(references.items()):
        joins.append(
            f"left join truth t{number} on t{number}.ref_kind = {text_literal(kind)} "
            f"and t{number}.ref = {found}"
        )
        outcomes.append(f"t{number}.outcome")
    columns = ", ".join(["prediction_id", *sorted(map(identifier, names))])
    return (
        f"select * from (select {columns}, coalesce({', '.join(outcomes)}) as outcome "
        f"from predictions {' '.join(joins)}) where outcome is not null"
    )


def _whole_performance(tables: LogTables, profile: ReferenceProfile) -> Performance | None:
    task = profile.task
    if task is None:
        return None
    return measure(tables, task, "joined", evaluated=profile.outputs[task.output].rows)


def _group_performance(
    tables: LogTables, profile: ReferenceProfile
) -> dict[str, dict[str, Performance]]:
    found: dict[str, dict[str, Performance]] = {}
    for feature, reference in profile.groups.items():
        if profile.task is None or feature_column(feature) not in tables.columns:
            continue
        expression = group_expression(profile, feature)
        names = list(reference)[:MAX_GROUPS]
        # What a whole window should have is not expected of each group.
        task = profile.task.model_copy(update={"performance": {}})
        found[feature] = {
            name: measure(
                tables,
                task,
                f"(select * from joined where {expression} = {text_literal(name)})",
            )
            for name in names
        }
    return found


def _group_outputs(
    tables: LogTables, profile: ReferenceProfile
) -> dict[str, dict[str, dict[str, float]]]:
    numbers = [
        name
        for name, one in profile.outputs.items()
        if one.kind == "number" and output_column(name) in tables.columns
    ]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for feature in profile.groups:
        if feature_column(feature) not in tables.columns or not numbers:
            continue
        means = ", ".join(f"avg({number_expression(output_column(name))})" for name in numbers)
        rows = tables.connection.execute(
            f"select {group_expression(profile, feature)} as name, {means} from sampled "
            f"group by 1 order by count(*) desc limit {MAX_GROUPS}"
        ).fetchall()
        found[feature] = {
            str(name): {
                output: float(mean)
                for output, mean in zip(numbers, row, strict=True)
                if mean is not None
            }
            for name, *row in rows
        }
    return found
