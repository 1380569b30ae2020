"""Measure images: size over their base, and time to readiness on one core.

Run by ``make measure-images STANDIN=yes``, with the helpers of the images' tests. Writes
results/image.json of each service. Exits with 1 if a limit is exceeded.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from images.containers import podman
from images.pods import ask, serving
from images.services import ROOT, SERVICES, Service, make_model
from text_files import replace_text

RUNS = 5
MOST_S = 5.0


def main() -> int:
    """Measure the services on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", nargs="+", help="folders of the services")
    parser.add_argument("--base", required=True, help="base image")
    options = parser.parse_args()
    base = _megabytes(json.loads(podman("image", "inspect", options.base).stdout)[0])
    found: dict[str, dict[str, Any]] = {}
    for service in SERVICES:
        if service.folder in options.services:
            found[service.name] = measure(service, base)
            _write(service, base, found[service.name])
    exceeded = [f"{name}: {limit}" for name, one in found.items() for limit in _exceeds(one)]
    sys.stderr.writelines(f"{line}\n" for line in exceeded)
    return int(bool(exceeded))


def _write(service: Service, base: int, found: dict[str, Any]) -> None:
    document = {
        "format": 1,
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            # More than the number of cores means that the times include waiting for other work.
            "load": round(os.getloadavg()[0], 1),
        },
        "base_mb": base,
        "runs": RUNS,
        "image": found,
    }
    out = ROOT / service.folder / "results" / "image.json"
    replace_text(out, json.dumps(document, indent=1) + "\n")


def measure(service: Service, base: int) -> dict[str, Any]:
    """Measure one service: its size, and several starts on one core."""
    sys.stderr.write(f"Measuring {service.name}\n")
    with tempfile.TemporaryDirectory(prefix="measure-") as folder:
        model = make_model(service, Path(folder))
        starts, works, peaks = [], [], []
        for _ in range(RUNS):
            begun = time.monotonic()
            with serving(service, model, options=["--cpuset-cpus=0"]) as container:
                container.wait_for("/ready", 200)
                starts.append(round(time.monotonic() - begun, 2))
                works.append(container.cpu_seconds())
                for request in service.requests():
                    ask(container.client, request)
                peaks.append(container.peak_megabytes())
    total = _megabytes(service.inspect())
    return {
        "total_mb": total,
        "over_base_mb": total - base,
        "over_base_mb_at_most": service.megabytes,
        "ready_s": {"median": statistics.median(starts), "all": starts, "at_most": MOST_S},
        "ready_cpu_s": {"median": statistics.median(works), "all": works},
        "peak_memory_mb": max(peaks),
    }


def _megabytes(inspected: dict[str, Any]) -> int:
    return round(int(inspected["Size"]) / 1e6)


def _exceeds(found: dict[str, Any]) -> Iterator[str]:
    """The exceeded limits."""
    ready, weight = found["ready_s"], found["over_base_mb"]
    if ready["median"] > ready["at_most"]:
        yield f"ready after {ready['median']} s, at most {ready['at_most']}; is the machine quiet?"
    if found["over_base_mb_at_most"] is not None and weight > found["over_base_mb_at_most"]:
        yield f"{weight} MB over the base, at most {found['over_base_mb_at_most']}"


if __name__ == "__main__":
    sys.exit(main())
