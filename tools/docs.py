"""Tables and texts from results files, for the cog blocks of documents (``make docs``)."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def read(results: str) -> Any:  # noqa: ANN401 - any JSON document
    """The contents of a results file, given by its path from the root."""
    return json.loads((ROOT / results).read_text(encoding="utf-8"))


def read_all(name: str) -> dict[str, Any]:
    """The results files with a name of all services that have one, by the services' folders."""
    found = sorted(ROOT.glob(f"*/results/{name}"))
    return {file.parents[1].name: json.loads(file.read_text(encoding="utf-8")) for file in found}


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A Markdown table whose first column is text and whose others are numbers."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def incidents(results: str) -> str:
    """The effect of upgrades on a model, and the reaction of the seal to each."""
    measured = read(results)
    reported, data = measured["reported"], measured["data"]
    change = f"{reported['before']} → {reported['after']}, reported, not measured"
    rows = [[reported["title"], "", change, ""]]
    rows += [
        [
            finding["title"],
            f"{finding['subject']} {finding['written_by']} → {finding['read_by']}",
            _served(finding),
            _refused(finding["guards"]),
        ]
        for finding in measured["findings"]
    ]
    headings = ["what is done", "written → read", "a service without a guard", "`open_sealed`"]
    lines = ["| " + " | ".join(cells) + " |" for cells in [headings, ["---"] * 4, *rows]]
    measured_on = (
        f"{data['scored']:,} customers scored of {data['rows']:,} ({data['source']}, "
        f"{data['unknown_tenure']:,} of unknown tenure), {measured['trees']} trees in each of four "
        f"ensembles. Machine: {measured['machine']}."
    )
    return "\n".join([*lines, "", measured_on])


def images() -> str:
    """The size of the image of every service, and its time until ready."""
    measured = read_all("image.json")
    rows = [
        [
            f"`{service.lower()}`",
            f"{found['over_base_mb']} MB",
            f"{found['over_base_mb_at_most']} MB" if found["over_base_mb_at_most"] else "",
            f"{found['total_mb']} MB",
            f"{found['ready_s']['median']:.1f} s",
            f"{found['ready_cpu_s']['median']:.1f} s",
            f"{found['peak_memory_mb']} MB",
        ]
        for service, results in measured.items()
        for found in (results["image"],)
    ]
    headings = [
        "image",
        "over the base",
        "at most",
        "in all",
        "start to ready",
        "of it at work",
        "peak memory",
    ]
    if not measured:
        return "Nothing is measured yet: `make measure-images STANDIN=yes`."
    each = list(measured.values())
    machines = [results["machine"] for results in each]
    at_most = max(results["image"]["ready_s"]["at_most"] for results in each)
    lines = [table(headings, rows), ""]
    lines.append(
        f"Uncompressed, over a stand-in base of {_or(one['base_mb'] for one in each)} MB. From "
        f"`podman run` to `/ready`, on one of {_or(one['cores'] for one in machines)} cores "
        f"({_or(one['architecture'] for one in machines)}), median of "
        f"{_or(one['runs'] for one in each)}; at most {at_most:g} s, while the machine's load was "
        f"{_or(one['load'] for one in machines)}. At work is the process's own time, which other "
        f"work does not lengthen. "
        f"Peak memory of the process after the requests of service.toml. Measured on "
        f"{_or(one['measured'] for one in each)}, with a model of generated data."
    )
    return "\n".join(lines)


def _or(values: Iterable[object]) -> str:
    """The different values of several measurements."""
    return " or ".join(sorted({str(value) for value in values}))


def _served(finding: dict[str, Any]) -> str:
    moved = finding["comparison"]
    if moved is None:
        return f"**{finding['verdict']}**: `{finding['error'].partition(' on <')[0]}`"
    warned = ", with a generic warning" if finding["warnings"] else ""
    if not moved["moved"]:
        return f"nothing moves, bitwise{warned}"
    return (
        f"**{finding['verdict']}**{warned}: {moved['moved']:,} of {moved['rows']:,} moved, "
        f"{moved['noticeable']:,} by 0.005 or more, most {moved['before']:.4f} → "
        f"{moved['after']:.4f}; decisions flipped: {moved['flipped']:,}"
    )


def _refused(guards: dict[str, Any]) -> str:
    golden = guards["golden_code"]
    alone = f"golden set alone: `{golden}`" if golden else "golden set alone: as sealed"
    if guards["code"] is None:
        return f"opens; {alone}"
    when = "after" if guards["unpickled"] else "before"
    return f"refuses, `{guards['code']}`, {when} unpickling; {alone}"
