"""Tables and texts for the cog blocks of ChicagoTaxi's documents."""

from typing import Any

from docs import read, table


def demand(results: str) -> str:
    """The errors of a forecast and its baselines: overall, by group and by day ahead."""
    report = read(results)
    data, overall = report["data"], report["overall"]
    interval = f"{report['interval']:.0%}"
    errors = [
        [
            name.replace("_", " "),
            *(f"{figures[key]:.3f}" for key in ("mae", "rmse", "wape", "r2")),
            f"{figures['bias']:+.3f}",
            f"{overall['intervals'][name]['coverage']:.1%}",
            f"{overall['intervals'][name]['width']:.2f}",
            f"{overall['intervals'][name]['score']:.3f}",
        ]
        for name, figures in overall["errors"].items()
    ]
    headings = ["forecaster", "MAE", "RMSE", "WAPE", "R²", "bias"]
    headings += [f"in its {interval} interval", "width", "interval score"]
    rows = [_demand_row(one) for one in (overall, *report["groups"], *report["days_ahead"])]
    where = ["where", "areas", "trips", "MAE", "last week", "four weeks", "skill", "skill, best"]
    where += [f"in the {interval} interval", "at least", "interval score"]
    where += ["last week's", "four weeks'"]
    groups = report["groups"]
    ahead = ["days ahead"]
    ahead += [f"{group['name'].split(',')[0]}: {what}" for group in groups for what in _AHEAD]
    return "\n".join(
        [
            (
                f"`{data['source']}`: {data['hours']:,} hours from {data['first_hour']} to "
                f"{data['last_hour']}, {data['areas']} areas, {data['trips']:,} trips. "
                f"{len(report['folds'])} origins from {report['folds'][0]['origin']} to "
                f"{report['folds'][-1]['origin']}, each with a model of its own, trained on "
                f"what lay before; {overall['cells']:,} hours and areas compared, of "
                f"{overall['dates']} days. Figures after ± are standard errors, by the jackknife "
                "over days."
            ),
            "",
            table(headings, errors),
            "",
            table(where, rows),
            "",
            table(ahead, [_ahead_row(*of_day) for of_day in enumerate(_by_day(report), start=1)]),
        ]
    )


_AHEAD = ("skill, best", "covered")


def _by_day(report: dict[str, Any]) -> list[tuple[dict[str, Any], ...]]:
    return list(zip(*report["groups_ahead"], strict=True))


def _ahead_row(day: int, groups: tuple[dict[str, Any], ...]) -> list[str]:
    return [
        f"{day}",
        *(
            figure
            for one in groups
            for figure in (
                _give_or_take(one["skill_best"], one["skill_best_error"], "+"),
                _give_or_take(one["intervals"]["forecast"]["coverage"], one["coverage_error"]),
            )
        ),
    ]


def _demand_row(one: dict[str, Any]) -> list[str]:
    figures = [one["errors"][name]["mae"] for name in one["errors"]]
    scores = [one["intervals"][name]["score"] for name in one["errors"]]
    return [
        one["name"],
        f"{one['areas']}",
        f"{one['trips']:,}",
        *(f"{figure:.3f}" for figure in figures),
        f"{one['skill_naive']:+.1%}",
        _give_or_take(one["skill_best"], one["skill_best_error"], "+"),
        _give_or_take(one["intervals"]["forecast"]["coverage"], one["coverage_error"]),
        f"{one['least_coverage']:.1%}",
        *(f"{score:.3f}" for score in scores),
    ]


def _give_or_take(figure: float, error: float | None, sign: str = "") -> str:
    """A share with its standard error, both in percent."""
    shown = f"{100 * figure:{sign}.1f}"
    return f"{shown}%" if error is None else f"{shown} ± {100 * error:.1f}%"


def demand_speed(results: str) -> str:
    """The rates at which predictions are made and answered."""
    measured = read(results)
    api, hindcast = measured["api"], measured["hindcast"]
    rows = [
        [
            name,
            f"{figures['requests_per_s']:,.0f}",
            f"{figures['p50_ms']:.0f} ms",
            f"{figures['p99_ms']:.0f} ms",
        ]
        for name, figures in (
            ("`/demand?area=8&hour=14&limit=10`", api["demand"]),
            ("an empty endpoint, `/health`", api["empty"]),
        )
    ]
    headings = [f"{api['connections']} connections, one run", "requests/s", "p50", "p99"]
    return "\n".join(
        [
            table(headings, rows),
            "",
            (
                f"`/demand` reaches {api['share_of_empty']:.0%} of the empty endpoint; its p99 is "
                f"{api['demand']['p99_over_p50']:.1f} times its p50 (the empty "
                f"endpoint's: {api['empty']['p99_over_p50']:.1f}). `hindcast` made "
                f"{hindcast['rows']:,} predictions, from history to Parquet, at "
                f"{hindcast['rows_per_s']:,.0f} a second ({hindcast['rows_per_cpu_s']:,.0f} per "
                f"second of a core). Machine: {measured['machine']}; its 15-minute load was "
                f"{measured['load_of_others']:.1f}."
            ),
        ]
    )


def etl_speed(results: str) -> str:
    """The rate from raw trips to clean trips and hourly demand."""
    measured = read(results)
    names = {"duckdb": "DuckDB", "pyspark": f"PySpark, `local[{measured['cores_used']}]`"}
    names["larger"] = names["duckdb"]
    rows = [
        [
            name,
            f"{run['rows']:,}",
            f"{run['seconds']:.1f} s",
            f"{run['rows_per_s']:,.0f}",
            # The measured process is not the one in which Spark works.
            "" if key == "pyspark" else f"{run['peak_gib']:.2f} GiB",
        ]
        for key, name in names.items()
        if (run := measured.get(key))
    ]
    cores, memory = measured["cores_used"], measured["memory_limit"]
    sentences = [f"The whole command, {cores} cores, memory bound {memory}."]
    if runs := measured["duckdb"].get("of_seconds"):
        sentences.append(f"Of the smaller run, the median of {len(runs)}.")
    if "times_faster" in measured:
        sentences.append(f"DuckDB is {measured['times_faster']:.1f} times as fast as PySpark.")
    if "times_longer" in measured:
        sentences.append(
            f"{measured['larger']['factor']} times the rows take "
            f"{measured['times_longer']:.1f} times as long."
        )
    sentences.append(f"Machine: {measured['machine']}.")
    headings = ["`etl` of portal CSV", "rows", "time", "rows/s", "peak memory"]
    return "\n".join([table(headings, rows), "", " ".join(sentences)])
