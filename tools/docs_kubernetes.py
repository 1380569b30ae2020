"""What the documents of the deployment quote; called by the cog blocks in them (``make docs``)."""

import docs

__all__ = ["resources"]


def resources(results: str) -> str:
    """What servers and jobs were measured to use."""
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
