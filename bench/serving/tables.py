"""Tables of the results, for the cog blocks of documents (``make docs``)."""

import math
from collections.abc import Iterator
from typing import Any, Final

from contestants import OURS
from figures import escaped, shown_ms, shown_rate
from sustained_tables import sustained_tables

from docs import read_all, table

RESULTS: Final = "serving.json"
COMPARED_AT: Final = "50"
_ALONE: Final = "1"
_WAYS: Final = {
    "model_code": "the model code",
    "pipeline": "the plain pipeline",
    "session": "the bare session",
}


def overview() -> str:
    """Every service compared with its alternatives, at the number of connections that counts.

    Of each peer, only the way that takes the least CPU time.
    """
    found = read_all(RESULTS)
    headings = ["CPU per request", "of the empty endpoint", "requests/s", "p50", "p99"]
    blocks: list[str] = []
    for measured in found.values():
        for (service, workload), rows in groups(measured).items():
            titles = [f"**{service}**, `{workload}`", *headings, "p50 of one connection"]
            blocks += [
                table(titles, list(_overview_rows(measured, rows))),
                *_of_session(measured, rows),
            ]
        blocks += _left_out(measured)
    return "\n\n".join([*blocks, *sustained_tables(found), *_measured_on(found)])


def details() -> str:
    """All figures of every service, its picture, and what failed."""
    found = read_all(RESULTS)
    blocks = []
    for folder, measured in found.items():
        blocks.append(f"![CPU time of one request, by server](../../{folder}/results/serving.svg)")
        for (service, workload), rows in groups(measured).items():
            blocks += [f"### {service}, {workload}", _cpu_table(measured, rows), _times_table(rows)]
            blocks += _of_session(measured, rows)
            failures = list(_failures(rows))
            if failures:
                blocks.append("\n".join(["Failed:", "", *failures]))
    return "\n\n".join([*blocks, *sustained_tables(found), *_measured_on(found)])


def settings() -> str:
    """The version and the settings of each peer."""
    rows = dict.fromkeys(
        (name, peer.get("version", "not installed"), peer["settings"])
        for measured in read_all(RESULTS).values()
        for name, peer in measured["peers"].items()
    )
    if not rows:
        return "No peer was measured."
    lines = [("peer", "version", "settings"), ("---",) * 3, *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def groups(measured: dict[str, Any]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The rows of each service and workload."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in measured["rows"]:
        found.setdefault((row["service"], row["workload"]), []).append(row)
    return found


def _overview_rows(measured: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    floor = _floor(rows)
    best = _best_ways(measured, rows)
    for row in rows:
        if _peer_of(measured, row) is None or row in best:
            yield [row["name"], *_overview_cells(row, floor)]
    for one in _bare(measured, rows[0]):
        rate = shown_rate(one["requests_per_s"])
        yield [_bare_name(one), f"{shown_ms(one['cpu_ms'])}", "", rate, "", "", ""]


def _overview_cells(row: dict[str, Any], floor: float | None) -> list[str]:
    load = compared(row)
    if "failed" in load:
        return ["failed", "", "", "", "", ""]
    cpu = load["cpu_ms"]["median"]
    return [
        shown_ms(load["cpu_ms"]),
        f"{cpu / floor:.2f}" if floor else "",
        shown_rate(load["requests_per_s"]),
        shown_ms(load["p50_ms"]),
        shown_ms(load["p99_ms"]),
        _median(_load(row, _ALONE), "p50_ms", shown_ms),
    ]


def _of_session(measured: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    """How much of the throughput of the bare session a service keeps, and could keep."""
    ways = {one["way"]: one for one in _bare(measured, rows[0])}
    if "session" not in ways:
        return
    for row in rows:
        if row["name"] == OURS and "failed" not in compared(row):
            rate = compared(row)["requests_per_s"]["median"]
            share = rate / ways["session"]["requests_per_s"]["median"]
            text = f"This service answers {share:.0%} as many requests as the bare session."
            floor = _floor([one for one in measured["rows"] if one["service"] == row["service"]])
            if floor is not None and "model_code" in ways:
                least = ways["model_code"]["cpu_ms"]["median"] + floor
                limit = ways["session"]["cpu_ms"]["median"] / least
                text += f" Its model code and an empty endpoint alone would leave {limit:.0%}."
            yield text


def _left_out(measured: dict[str, Any]) -> Iterator[str]:
    for workload, reason in measured.get("left_out", {}).items():
        yield f"`{workload}` is not measured: {reason}"


def _peer_of(measured: dict[str, Any], row: dict[str, Any]) -> str | None:
    name = row["name"].partition(",")[0]
    return name if name in measured["peers"] else None


def _best_ways(measured: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each peer, the row with the least CPU time; a failed one if there is no other."""
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        peer = _peer_of(measured, row)
        if peer is not None and (peer not in best or _cpu(row) < _cpu(best[peer])):
            best[peer] = row
    return list(best.values())


def _cpu(row: dict[str, Any]) -> float:
    load = compared(row)
    return math.inf if "failed" in load else float(load["cpu_ms"]["median"])


def _cpu_table(measured: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    at = list(_connections(rows))
    cells = [
        [
            row["name"],
            *(_spread(_load(row, one), "cpu_ms") for one in at),
            *(_median(_load(row, one), "requests_per_s", shown_rate) for one in at),
        ]
        for row in rows
    ]
    cells += [
        [_bare_name(one), _spread(one, "cpu_ms"), *[""] * (2 * len(at) - 1)]
        for one in _bare(measured, rows[0])
    ]
    headings = [*(f"CPU at {one}" for one in at), *(f"requests/s at {one}" for one in at)]
    return table(["", *headings], cells)


def _times_table(rows: list[dict[str, Any]]) -> str:
    at = list(_connections(rows))
    cells = []
    for row in rows:
        failed = "failed" in row
        cells.append(
            [
                row["name"],
                *(_median(_load(row, one), "p50_ms", shown_ms) for one in at),
                *(_median(_load(row, one), "p99_ms", shown_ms) for one in at),
                "failed" if failed else f"{row['memory_mb']['median']:,.0f} MB",
                "failed" if failed else f"{row['ready_s']['median']:.1f} s",
            ]
        )
    headings = [*(f"p50 at {one}" for one in at), *(f"p99 at {one}" for one in at)]
    return table(["", *headings, "memory", "start to ready"], cells)


def _failures(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        if "failed" in row:
            yield f"- {row['name']}: {escaped(row['failed'])}"
            continue
        for connections, load in row["loads"].items():
            if "failed" in load:
                yield f"- {row['name']} at {connections} connections: {escaped(load['failed'])}"


def _connections(rows: list[dict[str, Any]]) -> dict[str, None]:
    return {one: None for row in rows for one in row.get("loads", {})}


def compared(row: dict[str, Any]) -> dict[str, Any]:
    """The figures of a row at the number of connections that servers are compared at."""
    if "failed" in row:
        return row
    loads: dict[str, Any] = row["loads"]
    # A workload that is measured at fewer connections is compared at the most of them.
    found: dict[str, Any] = loads[COMPARED_AT if COMPARED_AT in loads else list(loads)[-1]]
    return found


def _load(row: dict[str, Any], connections: str) -> dict[str, Any]:
    found: dict[str, Any] = row if "failed" in row else row["loads"][connections]
    return found


def _floor(rows: list[dict[str, Any]]) -> float | None:
    """The CPU time of the empty endpoint."""
    for row in rows:
        load = compared(row)
        if row["name"].startswith("empty") and "failed" not in load:
            return float(load["cpu_ms"]["median"])
    return None


def _bare(measured: dict[str, Any], like: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in measured["bare"]:
        if (one["service"], one["workload"]) == (like["service"], like["workload"]):
            yield one


def _bare_name(one: dict[str, Any]) -> str:
    return f"{_WAYS[one['way']]}, called in process"


def _spread(load: dict[str, Any], name: str) -> str:
    if "failed" in load:
        return "failed"
    figure = load[name]
    if figure["lowest"] == figure["highest"]:
        return shown_ms(figure)
    return f"{shown_ms(figure)} ({figure['lowest']:.3g} to {figure['highest']:.3g})"


def _median(load: dict[str, Any], name: str, shown: Any) -> str:  # noqa: ANN401 - shown_ms or shown_rate
    return "failed" if "failed" in load else str(shown(load[name]))


def _measured_on(found: dict[str, Any]) -> Iterator[str]:
    """How the services were measured, once for each run."""
    if not found:
        yield "Nothing is measured yet: `make bench-serving`."
    yield from dict.fromkeys(map(_run, found.values()))


def _run(measured: dict[str, Any]) -> str:
    load = measured["load_of_others"]
    only = f" Only servers that match `{measured['only']}`." if measured["only"] else ""
    rounds = measured["rounds"]
    return (
        f"{f'Medians of {rounds} rounds' if rounds > 1 else 'One round'}, {measured['seconds']} s "
        f"or more at each number of connections; CPU time of all processes of a server; server and "
        f"client on a core each. Client: {measured['client']}. Machine: {measured['machine']}; "
        f"load average {load['before']:.1f} before, {load['after']:.1f} after. Measured on "
        f"{measured['measured']}.{only}"
    )
