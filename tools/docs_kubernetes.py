"""Tables for the cog blocks of the deployment's documents (``make docs``)."""

import docs


def resources(results: str) -> str:
    """The measured memory and CPU time of servers and jobs."""
    found = docs.read(results)
    servers = [
        [f"`{name}`", f"{one['memory_peak_mib']:,} MiB", f"{one['cpu_ms_per_request']:.1f} ms", ""]
        for name, one in found["servers"].items()
    ]
    jobs = [
        [f"`{name}`", f"{one['memory_peak_mib']:,} MiB", "", f"{one['cpu_s']:.0f} s"]
        for name, one in found["jobs"].items()
    ]
    headings = ["", "peak memory", "CPU of a request", "CPU of a run"]
    return docs.table(headings, servers + jobs)
