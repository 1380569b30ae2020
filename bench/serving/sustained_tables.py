"""Tables of what a minute with many connections did to the services."""

from collections.abc import Iterator
from typing import Any

from figures import escaped, shown_ms, shown_rate

from docs import table


def sustained_tables(found: dict[str, Any]) -> Iterator[str]:
    """What a minute with many connections did to the services."""
    rows = [row for measured in found.values() for row in measured.get("sustained", ())]
    for length in dict.fromkeys(_length(row) for row in rows if "failed" not in row):
        cells = [
            [
                f"{row['service']}, `{row['workload']}`",
                f"{row['requests']:,}",
                f"{row['errors']:,}",
                shown_rate({"median": row["requests_per_s"]}),
                shown_ms({"median": row["p50_ms"]}),
                shown_ms({"median": row["p99_ms"]}),
                f"{row['memory_before_mb']:,.0f} MB",
                f"{row['memory_after_mb']:,.0f} MB",
            ]
            for row in rows
            if "failed" not in row and _length(row) == length
        ]
        headings = ["requests", "errors", "requests/s", "p50", "p99", "memory before", "after"]
        yield table([f"**{length}**", *headings], cells)
    failures = [f"- {row['service']}: {escaped(row['failed'])}" for row in rows if "failed" in row]
    if failures:
        yield "\n".join(["Failed with many connections:", "", *failures])


def _length(row: dict[str, Any]) -> str:
    return f"{row['connections']} connections for {row['seconds']:.0f} s"
