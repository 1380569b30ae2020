"""What ChicagoTaxi's documents quote from results files; called by the cog blocks in them."""

from typing import Any

from docs import read, table


def demand(results: str) -> str:
    """A demand forecast beside its baselines: everywhere, by group and by day ahead."""
    report = read(results)
    data, overall = report["data"], report["overall"]
    errors = [
        [name.replace("_", " "), *(f"{figures[key]:.3f}" for key in ("mae", "rmse", "wape", "r2"))]
        for name, figures in overall["errors"].items()
    ]
    headings = ["where", "areas", "trips", "MAE", "last week", "four weeks"]
    headings += ["skill", "skill, best"]
    rows = [_demand_row(one) for one in (overall, *report["groups"], *report["days_ahead"])]
    return "\n".join(
        [
            (
                f"`{data['source']}`: {data['hours']:,} hours from {data['first_hour']} to "
                f"{data['last_hour']}, {data['areas']} areas, {data['trips']:,} trips. "
                f"{len(report['folds'])} origins from {report['folds'][0]['origin']} to "
                f"{report['folds'][-1]['origin']}, each with a model of its own, trained on "
                f"what lay before; {overall['cells']:,} hours and areas compared."
            ),
            "",
            table(["forecaster", "MAE", "RMSE", "WAPE", "R²"], errors),
            "",
            table([*headings, f"in the {report['interval']:.0%} interval"], rows),
        ]
    )


def _demand_row(one: dict[str, Any]) -> list[str]:
    figures = [one["errors"][name]["mae"] for name in one["errors"]]
    return [
        one["name"],
        f"{one['areas']}",
        f"{one['trips']:,}",
        *(f"{figure:.3f}" for figure in figures),
        f"{one['skill_naive']:+.1%}",
        f"{one['skill_best']:+.1%}",
        f"{one['coverage']:.1%}",
    ]


def demand_speed(results: str) -> str:
    """How fast predictions are made and answered."""
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
    """How fast raw trips become clean trips and hourly demand."""
    measured = read(results)
    names = {"duckdb": "DuckDB", "pyspark": f"PySpark, `local[{measured['cores_used']}]`"}
    names["larger"] = names["duckdb"]
    rows = [
        [
            name,
            f"{run['rows']:,}",
            f"{run['seconds']:.1f} s",
            f"{run['rows_per_s']:,.0f}",
            # Of Spark, what is measured is not what works.
            "" if key == "pyspark" else f"{run['peak_gib']:.2f} GiB",
        ]
        for key, name in names.items()
        if (run := measured.get(key))
    ]
    cores, memory = measured["cores_used"], measured["memory_limit"]
    told = [f"The whole command, {cores} cores, memory bound {memory}."]
    if runs := measured["duckdb"].get("of_seconds"):
        told.append(f"Of the smaller run, the median of {len(runs)}.")
    if "times_faster" in measured:
        told.append(f"DuckDB is {measured['times_faster']:.1f} times as fast as PySpark.")
    if "times_longer" in measured:
        told.append(
            f"{measured['larger']['factor']} times the rows take "
            f"{measured['times_longer']:.1f} times as long."
        )
    told.append(f"Machine: {measured['machine']}.")
    headings = ["`etl` of portal CSV", "rows", "time", "rows/s", "peak memory"]
    return "\n".join([table(headings, rows), "", " ".join(told)])
