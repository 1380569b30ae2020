"""Tables and texts from results files, for the cog blocks of documents (``make docs``)."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def read(results: str) -> Any:  # noqa: ANN401 - any JSON document
    """The contents of a results file, given by its path from the root."""
    return json.loads((ROOT / results).read_text(encoding="utf-8"))


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A Markdown table whose first column is text and whose others are numbers."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def quality(results: str) -> str:
    """The cross-validated stack compared with its base learners."""
    rows = [
        [name.replace("_", " "), _spread(scores["auc"]), _spread(scores["log_loss"])]
        for name, scores in read(results)["cross_validation"].items()
    ]
    return table(["model", "AUC", "log loss"], rows)


def holdout(results: str) -> str:
    """The hold-out: everyone, then each group."""
    evaluation = read(results)["evaluation"]
    everyone = [("everyone", evaluation["metrics"])]
    groups = [
        (f"{one['attribute']}: {one['value']}", one["metrics"]) for one in evaluation["groups"]
    ]
    headings = ["hold-out", "customers", "left", "AUC", "log loss", "selected", "TPR", "FPR"]
    names = ["base_rate", "auc", "log_loss", "selection_rate"]
    names += ["true_positive_rate", "false_positive_rate"]
    rows = [
        [group, f"{metrics['customers']:,}", *(_figure(metrics[name]) for name in names)]
        for group, metrics in everyone + groups
    ]
    return table(headings, rows)


def made_from(results: str) -> str:
    """A sentence on the training data of a model."""
    report = read(results)
    data = report["data"]
    return (
        f"Model {report['model_version']}, trained on four fifths of `{data['source']}` "
        f"({data['rows']:,} customers, {data['base_rate']:.1%} left), evaluated on the rest. "
        f"Decision threshold {report['threshold']:.3f} ({report['threshold_criterion']})."
    )


def trained_on(results: str) -> str:
    """The training data of BankChurn's model: ranges of numbers, and levels with their counts."""
    profile = read(results)["training_profile"]
    rows = []
    for name in profile["features"]:
        if name in profile["levels"]:
            counts = profile["levels"][name]
            known = ", ".join(f"{level} ({count:,})" for level, count in counts.items())
            rows.append([name, known, "0"])
        else:
            number = profile["numbers"][name]
            known = f"{number['low']:,.10g} to {number['high']:,.10g}"
            rows.append([name, known, f"{number['unknown']:,}"])
    headings = ["input", f"in the {profile['rows']:,} training rows", "unknown"]
    return table(headings, rows)


def speed(results: str) -> str:
    """BankChurn's speed compared with the alternatives."""
    measured = read(results)
    prediction, explanation = measured["prediction"], measured["explanation"]
    rows = [
        [
            "probability of one customer, compared with `pipeline.predict_proba`",
            f"{prediction['request_path_ms']:.2f} ms",
            f"{prediction['pipeline_ms']:.1f} ms",
            f"{prediction['times_faster']:.0f} times",
        ],
        [
            "exact explanation of one customer, compared with `shap.KernelExplainer`",
            f"{explanation['exact_ms']:.0f} ms",
            f"{explanation['kernel_explainer_ms']:,.0f} ms",
            f"{explanation['times_faster']:.0f} times",
        ],
    ]
    lines = [table(["one thread, one run", "here", "there", "faster"], rows), ""]
    training = measured["training"]
    lines.append(
        f"Training on {training['rows']:,} customers, from data to sealed model: "
        f"{training['seconds']:.0f} s. Machine: {measured['machine']}."
    )
    return "\n".join(lines)


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


def images(results: str) -> str:
    """The size of images, and their time until ready."""
    measured = read(results)
    rows = [
        [
            f"`{name}`",
            f"{found['over_base_mb']} MB",
            f"{found['over_base_mb_at_most']} MB",
            f"{found['total_mb']} MB",
            f"{found['ready_s']['median']:.1f} s",
            f"{found['ready_cpu_s']['median']:.1f} s",
            f"{found['peak_memory_mb']} MB",
        ]
        for name, found in measured["images"].items()
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
    machine = measured["machine"]
    at_most = max(found["ready_s"]["at_most"] for found in measured["images"].values())
    lines = [table(headings, rows), ""]
    lines.append(
        f"Uncompressed, over a stand-in base of {measured['base_mb']} MB. From `podman run` to "
        f"`/ready`, on one of {machine['cores']} cores ({machine['architecture']}), median of "
        f"{measured['runs']}; at most {at_most:g} s, while the machine's load was "
        f"{machine['load']:g}. At work is the process's own time, which other work does not "
        f"lengthen. "
        f"Peak memory of the process after the requests of service.toml. Measured on "
        f"{measured['measured']}, with a model of generated data."
    )
    return "\n".join(lines)


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


def _spread(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.4f} ± {figure['standard_deviation']:.4f}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
