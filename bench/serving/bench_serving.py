"""Compares each service with other ways to answer its requests, in one run.

Trains each service on sample data. In every round, each server is started on one core, its answers
are compared with the pipeline's, and wrk loads it from another core at 1, 10, 50 and 200
connections. Rounds differ in their order. Results are medians over the rounds. At the end, each
service is loaded with 200 connections for a minute.

A service takes part if its folder has ``bench/serving.py``. Run by ``make bench-serving``.
"""

import argparse
import datetime as dt
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import contestants
import loading
import peers
import processes
import results
import rounds
import sustained
import wrk
from contestants import ROOT, SERVERS, Contestant, Service
from measuring import machine, write_results
from plot import write_plot
from rich.console import Console
from selection import NothingSelectedError, is_selected, select_services

console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Measure, and write the results and the picture."""
    given = _parse()
    if not hasattr(os, "sched_setaffinity") or not Path("/proc/self/stat").exists():
        sys.exit("The benchmark reads /proc and pins processes to cores: run it on Linux.")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:  # noqa: PLR2004
        sys.exit("The benchmark needs two cores: one for the server, one for the client.")
    try:
        selected = select_services(given.services, given.only)
    except NothingSelectedError as error:
        sys.exit(f"{error}")
    processes.exit_on_signals()
    before = os.getloadavg()[1]
    # A short path: Ray's sockets are below it.
    with tempfile.TemporaryDirectory(prefix="sv-") as folder:
        scratch = Path(folder)
        setting = loading.Setting(given.wrk.resolve(), cores[0], cores[-1], given.seconds, scratch)
        services = [_prepare(ROOT / name, scratch) for name in selected]
        found, failed, versions = _contestants(services, scratch, given.only)
        # From here on, this program does not disturb the servers.
        os.sched_setaffinity(0, {cores[-1]})
        measured = [rounds.Measured() for _ in found]
        bare: dict[str, list[dict[str, Any]]] = {one.name: [] for one in services}
        for number, order in enumerate(rounds.orders(len(found), given.rounds), start=1):
            for service in services:
                bare[service.name].append(_bare(service, setting))
            for place, index in enumerate(order, start=1):
                one = found[index]
                console.print(
                    f"[cyan]round {number} of {given.rounds}, {place} of {len(order)}:[/] "
                    f"{one.service}: {one.name}"
                )
                rounds.measure(one, measured[index], setting)
                _tell(one, measured[index])
        held: list[dict[str, Any]] = []
        for one in found:
            if one.name == contestants.OURS:
                console.print(f"[cyan]a minute with many connections:[/] {one.service}")
                held += sustained.sustain(one, setting)
        run = {
            "machine": machine(),
            "measured": dt.datetime.now(dt.UTC).date().isoformat(),
            "load_of_others": {"before": before, "after": os.getloadavg()[1]},
            "client": wrk.version(setting.wrk),
            "rounds": given.rounds,
            "seconds": given.seconds,
            "only": given.only.pattern,
        }
        rows = [
            *(
                row
                for one, of_one in zip(found, measured, strict=True)
                for row in results.rows_of(one, of_one)
            ),
            *failed,
        ]
    for service in services:
        document = {
            **run,
            "peers": versions.get(service.name, {}),
            "left_out": service.described["left_out"],
            "rows": [row for row in rows if row["service"] == service.name],
            "sustained": [row for row in held if row["service"] == service.name],
            "bare": list(results.bare_rows(service.name, bare[service.name])),
        }
        if document["rows"]:
            out = service.folder / "results" / "serving.json"
            write_results(out, document)
            write_plot(document, out.with_suffix(".svg"))
            console.print(f"Wrote {out.relative_to(ROOT)} and {out.with_suffix('.svg').name}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", nargs="+", help="Folders of the services.")
    parser.add_argument("--wrk", type=Path, required=True, help="The client, wrk 4.")
    parser.add_argument("--rounds", type=_positive, default=3, help="Number of rounds; 3.")
    parser.add_argument(
        "--seconds",
        type=_positive,
        default=1,
        help="Seconds to measure at each number of connections, in each round; 1.",
    )
    parser.add_argument(
        "--only",
        type=_pattern,
        default=re.compile(""),
        help="Measure only servers whose service or name matches this regular expression, in any "
        "case, such as 'litserve' or 'this service|empty'; all by default.",
    )
    return parser.parse_args()


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a regular expression: {error}") from None


def _prepare(folder: Path, scratch: Path) -> Service:
    """Train a service, and read the description of its workloads."""
    console.print(f"[cyan]training {folder.name} on sample data")
    work = scratch / folder.name
    work.mkdir()
    paths = [SERVERS.parent, SERVERS, ROOT / "tools"]
    command = [folder / ".venv" / "bin" / "python", SERVERS / "prepare.py", folder, work]
    try:
        processes.run(
            [str(word) for word in command],
            {**os.environ, "PYTHONPATH": ":".join(map(str, paths))},
            core=None,
            log=scratch / "prepare.log",
            folder=ROOT,
        )
    except processes.CommandFailedError as error:
        sys.exit(f"{folder.name} cannot be prepared: {error}")
    return Service.read(folder, work)


def _contestants(
    services: Sequence[Service], scratch: Path, only: re.Pattern[str]
) -> tuple[list[Contestant], list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """The contestants, rows of peers that cannot be installed, and peers' settings by service."""
    found: list[Contestant] = []
    failed: list[dict[str, Any]] = []
    versions: dict[str, dict[str, Any]] = {}
    folders = scratch / "p"
    folders.mkdir()
    for service in services:
        found += _selected(contestants.own(service), only)
        for peer in peers.PEERS:
            wanted = _selected(peers.contestants(peer, service, folders), only)
            if not wanted:
                continue
            described = versions.setdefault(service.name, {})
            described[peer.name] = {"settings": peer.settings}
            console.print(f"[cyan]installing {peer.name}")
            reason = _install(peer, service, scratch / "install.log")
            if reason is None:
                described[peer.name]["version"] = _version(peer, service)
                found += wanted
                continue
            console.print(f"[red]{peer.name}: {reason}")
            for one in wanted:
                failed += (
                    results.failed_row(one.service, target.workload, one.name, reason)
                    for target in one.targets
                )
    if not found:
        names = ", ".join(one.name for one in services)
        sys.exit(
            f"Nothing to measure: for {names}, no server that matches {only.pattern!r} exists or "
            "can be installed."
        )
    return found, failed, versions


def _selected(ways: Iterable[Contestant], only: re.Pattern[str]) -> list[Contestant]:
    return [one for one in ways if is_selected(only, one.service, one.name)]


def _install(peer: peers.Peer, service: Service, log: Path) -> str | None:
    """Make a peer's environment. The reason if that fails."""
    target = f"{peers.environment_of(peer, service)}/.installed"
    # Not the options of the make that runs this.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    try:
        processes.run(["make", "--silent", target], environment, core=None, log=log, folder=ROOT)
    except processes.CommandFailedError as error:
        return f"cannot be installed: {error}"
    return None


def _version(peer: peers.Peer, service: Service) -> str:
    python = ROOT / peers.environment_of(peer, service) / "bin" / "python"
    code = f"import importlib.metadata as m; print(m.version({peer.key!r}))"
    return subprocess.run(  # noqa: S603
        [python, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()


def _bare(service: Service, setting: loading.Setting) -> dict[str, Any]:
    """Measure the calls in process."""
    try:
        output = processes.run(
            [service.python, str(SERVERS / "bare.py"), str(setting.seconds)],
            service.environment(BENCH_PORT="0"),
            core=setting.server_core,
            log=setting.scratch / "bare.log",
            folder=service.work,
        )
    except processes.CommandFailedError as error:
        sys.exit(f"The model of {service.name} cannot be called in process: {error}")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def _tell(one: Contestant, measured: rounds.Measured) -> None:
    for (workload, connections), reason in measured.failures.items():
        at = f" at {connections} connections" if connections else ""
        console.print(f"  [red]{workload}{at}: {reason}")
    for target in one.targets:
        shown = [
            f"{connections}: {samples[-1].cpu_ms:.3f} ms, {samples[-1].requests_per_s:,.0f}/s"
            for connections in target.connections
            if (samples := measured.samples.get((target.workload, connections)))
        ]
        if shown:
            console.print(f"  {target.workload}, CPU and rate at connections: {'; '.join(shown)}")


if __name__ == "__main__":
    main()
