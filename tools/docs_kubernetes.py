"""Tables for the cog blocks of the deployment's documents (``make docs``)."""

from typing import Any

import docs


def resources() -> str:
    """The measured memory and CPU time of the servers and jobs of every service."""
    found = docs.read_all("resources.json")
    servers = [
        [f"`{name}`", f"{one['memory_peak_mib']:,} MiB", f"{one['cpu_ms_per_request']:.1f} ms", ""]
        for name, one in _of("servers", found)
    ]
    jobs = [
        [f"`{name}`", f"{one['memory_peak_mib']:,} MiB", "", f"{one['cpu_s']:.0f} s"]
        for name, one in _of("jobs", found)
    ]
    headings = ["", "peak memory", "CPU of a request", "CPU of a run"]
    return docs.table(headings, servers + jobs)


def _of(kind: str, found: dict[str, Any]) -> list[tuple[str, Any]]:
    return [pair for results in found.values() for pair in results[kind].items()]
