"""Tables for the cog blocks of modelwatch's document (``make docs``)."""

import docs

FOLDER = "libs/modelwatch/results"


def power() -> str:
    """How often drifts of stated sizes are found."""
    measured = docs.read(f"{FOLDER}/power.json")
    sizes = [str(size) for size in measured["sizes"]]
    headings = ["drift", *(f"{int(size):,} rows" for size in sizes)]
    rows = [[row["drift"], *(f"{row[size]:.0%}" for size in sizes)] for row in measured["rows"]]
    windows, outcomes = measured["windows"], measured["windows_of_outcomes"]
    text = (
        f"Share of {windows} windows that show the drift in its columns (the first row: in any of "
        f"{measured['columns']} columns; outcomes: {outcomes} windows whose AUC is worse than the "
        f"reference). False alarm rate of a report: {measured['alpha']:.0%}. Reference: "
        f"{measured['reference_rows']:,} rows."
    )
    return f"{docs.table(headings, rows)}\n\n{text}"


def scale() -> str:
    """Time and memory of large logs, and how they grow."""
    measured = docs.read(f"{FOLDER}/scale.json")
    sizes = measured["sizes"]
    rows = [
        [
            f"`modelwatch {name}`",
            f"{size['rows']:,}",
            f"{step['seconds']:.0f} s",
            f"{step['cpu_seconds']:.0f} s",
            f"{step['cpu_seconds'] / size['rows'] * 1e6:.1f} µs",
            f"{step['peak_memory_mb']:,} MB",
        ]
        for name in sizes[0]["steps"]
        for size in sizes
        for step in [size["steps"][name]]
    ]
    loads = [load for size in sizes for load in size["load"]]
    text = (
        f"Predictions of {measured['columns']} columns, and as many outcomes; {measured['cores']} "
        f"cores; the machine's load was {min(loads):g} to {max(loads):g}: above 2, other "
        f"work took part of them. Measured on {measured['measured']}."
    )
    headings = ["command", "predictions", "time", "CPU time", "CPU of each", "peak memory"]
    return f"{docs.table(headings, rows)}\n\n{text}"


def log() -> str:
    """The cost of the log."""
    measured = docs.read(f"{FOLDER}/log.json")
    installed = sum(measured["installed_mb"].values())
    return (
        f"A record of {measured['features']} features costs {measured['cpu_us']:g} µs of CPU, "
        f"{measured['call_us']:g} µs of them in `record` and the others in the writing thread "
        f"(best of {measured['rounds']} rounds of {measured['records']:,} records), and takes "
        f"{measured['bytes']} bytes in the log. The writer of Parquet takes {installed:.0f} MB in "
        f"an image, and the client of PostgreSQL {sum(measured['database_mb'].values()):.1f} MB."
    )


def challenge() -> str:
    """How often challengers pass the gate `better`."""
    measured = docs.read(f"{FOLDER}/challenge.json")
    sizes = [str(size) for size in measured["sizes"]]
    headings = ["true gain", *(f"{int(size):,} rows" for size in sizes)]
    rows = [
        [
            f"{row['gain']:+.1%}" if row["gain"] else "none",
            *(_share(row[one], row["challenges"], interval=not row["gain"]) for one in sizes),
        ]
        for row in measured["rows"]
    ]
    challenges = max(row["challenges"] for row in measured["rows"])
    others = min(row["challenges"] for row in measured["rows"])
    text = (
        f"Share of {others} challenges ({challenges} without a gain, with Wilson's 95% intervals) "
        "with simulated models. Gains are shares of the champion's "
        f"{measured['metric'].replace('_', ' ')}."
    )
    return f"{docs.table(headings, rows)}\n\n{text}"


def _share(share: float, trials: int, *, interval: bool) -> str:
    """A share of trials, on request with its 95% interval by Wilson's score."""
    if not interval:
        return f"{share:.0%}"
    square = 1.96**2 / trials
    middle = (share + square / 2) / (1 + square)
    half = (share * (1 - share) * square + square**2 / 4) ** 0.5 / (1 + square)
    return f"{share:.1%} ({middle - half:.1%} to {middle + half:.1%})"


def requests(service: str) -> str:
    """The cost of the log and of a shadow on the path of a request of a service.

    Args:
        service: Folder of the service.
    """
    rows = []
    measured = docs.read(f"{service}/results/prediction-log.json")
    for one in measured["requests"]:
        low, high = one["quartiles_us"]
        rows.append(
            [
                f"`{one['path']}`",
                str(one["rows"]),
                f"the {one['adds']}",
                f"{one['cpu_us']:.0f} µs",
                f"{one['added_us']:.1f} µs ({low:.1f} to {high:.1f})",
                f"{one['added_us'] / one['cpu_us']:.1%}",
                f"{one['added_in_all_us']:.1f} µs",
            ]
        )
    headings = [
        *("request", "rows", "what is added", "CPU of a row without it"),
        *("where it is answered", "share", "in all"),
    ]
    return docs.table(headings, rows) + (
        "\n\nCPU time of the process for one row, and what the log adds to it, or a shadow to a "
        "service with a log: to the thread that answers (median of many short rounds in several "
        "processes, with quartiles), and to the process when it writes each second (mean). The "
        "challenger's own process comes on top: by default, at most a tenth of a core. The "
        "machine's load was "
        f"{measured['load_average'][0]:.0f} to {measured['load_average'][1]:.0f} on "
        f"{measured['machine'].partition(',')[0]}. `make bench-prediction-log` measures it again."
    )
