"""Tables and texts for the cog blocks of NLPInsight's documents."""

from typing import Any

from docs import ROOT, read, table


def made_from(*results: str) -> str:
    """The training and validation texts of each sentiment model, a line each."""
    lines = []
    for report in _reports(results):
        data, learned, left_out = report["data"], report["training"], report["left_out"]
        line = f"- `{report['model']}`: model {report['model_version']}"
        if learned:
            line += f", trained on {learned['texts']:,} texts of `{learned['source']}`"
            line += f" in {_duration(report['training_seconds'])}"
        if left_out:
            line += (
                f" (left out: {left_out['held_out']} that the held-out texts repeat word for word, "
                f"{left_out['repeated']} repetitions, {left_out['nothing_to_judge']} without words)"
            )
        lines.append(f"{line}; measured on {data['texts']:,} texts of `{data['source']}`.")
    return "\n".join(lines)


def quality(*results: str) -> str:
    """The back ends compared with each other and with the most frequent label."""
    rows = []
    reports = _reports(results)
    for report in reports:
        evaluation = report["evaluation"]
        metrics, leakage = evaluation["metrics"], evaluation["leakage"]
        without = leakage["without"] if leakage else None
        rows.append(
            [
                f"`{report['model']}`",
                f"{metrics['accuracy']:.4f}",
                f"{metrics['macro_f1']:.4f}",
                f"{metrics['log_loss']:.3f}",
                f"{evaluation['calibration']['error']:.3f}",
                f"{without['accuracy']:.4f} / {without['macro_f1']:.4f}" if without else "",
            ]
        )
    majority = reports[0]["evaluation"]["metrics"]["majority"]
    rows.append(["most frequent label", f"{majority:.4f}", "", "", "", ""])
    headings = ["back end", "accuracy", "macro F1", "log loss", "calibration error"]
    return table([*headings, "without near-duplicates"], rows)


def near_duplicates(results: str) -> str:
    """The number of held-out texts that nearly repeat a training text."""
    leakage = read(results)["evaluation"]["leakage"]
    return (
        f"Of the held-out texts, {leakage['texts']} share {leakage['threshold']:.0%} or more of "
        "their words with a text of the training."
    )


def confusion(*results: str) -> str:
    """The confusion matrix of each back end."""
    lines = []
    for report in _reports(results):
        metrics = report["evaluation"]["metrics"]
        labels = list(metrics["labels"])
        rows = [
            [
                label,
                *(f"{count:,}" for count in counts),
                *(_figure(metrics["labels"][label][rate]) for rate in ("precision", "recall")),
                _figure(metrics["labels"][label]["f1"]),
            ]
            for label, counts in zip(labels, metrics["confusion"], strict=True)
        ]
        headings = [f"`{report['model']}`: true label", *(f"as {label}" for label in labels)]
        lines += [table([*headings, "precision", "recall", "F1"], rows), ""]
    return "\n".join(lines).rstrip()


def lengths(*results: str) -> str:
    """The accuracy of each back end by text length."""
    reports = _reports(results)
    bands = [report["evaluation"]["by_length"] for report in reports]
    rows = [
        [
            f"{same[0]['least']} to {same[0]['most']}"
            if same[0]["most"]
            else f"{same[0]['least']} or more",
            f"{same[0]['texts']:,}",
            *(f"{band['accuracy']:.3f}" for band in same),
        ]
        for same in zip(*bands, strict=True)
    ]
    return table(["words", "texts", *(f"`{report['model']}`" for report in reports)], rows)


def calibration(*results: str) -> str:
    """Confidence before and after calibration, on the texts of its fit and on others."""
    rows = []
    for report in _reports(results):
        fit = report["details"].get("calibration")
        sets = {
            "training texts, held out": fit and fit["as_they_are"],
            "the same with words hidden": fit and fit["words_hidden"],
            "validation file": report["evaluation"].get("reliability"),
        }
        rows += [
            [
                f"`{report['model']}`: {name}",
                f"{figures['texts']:,}",
                f"{figures['accuracy']:.3f}",
                *(_before_after(figures, kind) for kind in ("confidence", "error", "log_loss")),
            ]
            for name, figures in sets.items()
            if figures
        ]
    headings = ["texts", "count", "accuracy", "mean confidence", "calibration error", "log loss"]
    return table(headings, rows)


def known_words(*results: str) -> str:
    """Confidence before and after calibration by the share of known words."""
    lines = []
    for report in _reports(results):
        fit = report["details"].get("calibration")
        if fit:
            rows = [
                [
                    _band(band["least"], band["most"]),
                    f"{band['texts']:,}",
                    f"{band['accuracy']:.3f}",
                    *(_before_after(band, kind) for kind in ("confidence", "error", "log_loss")),
                ]
                for band in fit["by_vocabulary"]
            ]
            headings = [f"`{report['model']}`: known words", "texts", "accuracy"]
            headings += ["mean confidence", "calibration error", "log loss"]
            lines += [table(headings, rows), ""]
    return "\n".join(lines).rstrip()


def calibrators(*results: str) -> str:
    """The parameters of each calibrator."""
    lines = []
    for report in _reports(results):
        fit = report["details"].get("calibration")
        if fit:
            numbers = fit["calibrator"]
            base = ", ".join(f"{share:.3f}" for share in numbers["base_rates"])
            lines.append(
                f"- `{report['model']}`: temperature {numbers['temperature']:.3f}, reach "
                f"{numbers['reach']:.2f}, base rates {base} (negative, neutral, positive); fitted "
                f"on {numbers['texts']:,} texts."
            )
    return "\n".join(lines)


def elsewhere(*results: str) -> str:
    """The accuracy on texts of another kind, or the note that it was not measured."""
    reports = _reports(results)
    if not reports:
        return (
            "**Not measured**: the file is not part of this repository and was not available when "
            "these models were made. Expect less than above."
        )
    rows = [
        [
            f"`{report['model']}` on `{report['data']['source']}`",
            f"{report['data']['texts']:,}",
            f"{report['evaluation']['metrics']['accuracy']:.4f}",
            f"{report['evaluation']['metrics']['macro_f1']:.4f}",
            f"{report['evaluation']['metrics']['majority']:.4f}",
        ]
        for report in reports
    ]
    return table(["model", "texts", "accuracy", "macro F1", "most frequent label"], rows)


def recipes(folder: str) -> str:
    """Each recipe of the transformer on its outer folds."""
    kinds = ("model", "network", "mean_of_decisions", "mean_of_weights")
    rows = []
    for path in sorted((ROOT / folder).glob("*.json")):
        found = read(f"{folder}/{path.name}")
        rows += [
            [
                f"`{path.stem}`",
                f"{fold['number']} of {found['folds']}",
                f"{fold['learned_from']:,}",
                f"{fold['model']['texts']:,}",
                *(f"{fold[kind]['accuracy']:.4f} / {fold[kind]['macro_f1']:.4f}" for kind in kinds),
            ]
            for fold in found["results"]
        ]
    headings = ["recipe", "outer fold", "learned from", "asked", "model", "network alone"]
    return table([*headings, "members' mean answer", "members' mean weights"], rows)


def cross_validated(results: str) -> str:
    """The quality on training texts that a model did not learn from."""
    details = read(results)["details"]
    rows = [
        [f"network without fold {one['number']}", f"{one['learned_from']:,}", *_right(one["fold"])]
        for one in details["members"]
    ]
    rows.append(["all three folds", "", *_right(details["cross_validated"])])
    pooled = _right(details["pooled_cross_validated"])
    rows.append([f"pooled, linear model {details['linear_weight']:.0%}", "", *pooled])
    return table(["", "learned from", "asked", "accuracy", "macro F1", "log loss"], rows)


def quantization(results: str) -> str:
    """The effect of int8."""
    details = read(results)["details"]
    compared, single = details["int8_beside_fp32"], details["fp32"]
    return (
        f"In int8 the network labels {compared['disagreement']:.1%} of the validation texts "
        f"differently from fp32. In fp32 and without the linear model: accuracy "
        f"{single['accuracy']:.4f}, macro F1 {single['macro_f1']:.4f}."
    )


def speed(results: str) -> str:
    """The served back ends on one core, and the linear one compared with its pipeline."""
    measured = read(results)
    rows = []
    for name in ("tfidf", "transformer"):
        served = measured.get(name, {}).get("served")
        if served:
            rows.append(
                [
                    f"`{name}`",
                    f"{served['model_p50_ms']:.2f} ms ({served['cpu_p50_ms']:.2f} ms)",
                    f"{served['request_p50_ms']:.1f} ms",
                    f"{served['batch_per_text_ms']:.2f} ms",
                    f"{served['ready_s']:.1f} s ({served['ready_cpu_s']:.1f} s)",
                ]
            )
    headings = [
        "one core (CPU time)",
        "model, one text",
        "whole request",
        "text in a batch",
        "ready",
    ]
    texts, compared = measured["texts"], measured["tfidf"]["compared_with_pipeline"]
    sentence = (
        f"{texts['count']} texts of {texts['source']}, {texts['median_characters']:.0f} characters "
        f"in the median; times are medians. The linear model compared with its "
        f"`pipeline.predict_proba`, CPU time: "
        f"{compared['served_ms']:.2f} ms and {compared['pipeline_ms']:.2f} ms, "
        f"{compared['times_faster']:.0f} times faster. "
        f"Machine: {measured['machine']}."
    )
    if "load_average" in measured:
        sentence = f"{sentence[:-1]}, load average {measured['load_average']:.1f}."
    else:
        sentence += " Its load was not recorded."
    return f"{table(headings, rows)}\n\n{sentence}"


def _reports(results: tuple[str, ...]) -> list[dict[str, Any]]:
    """The results files that exist."""
    return [read(name) for name in results if (ROOT / name).exists()]


def _before_after(figures: dict[str, Any], kind: str) -> str:
    return f"{figures[f'uncalibrated_{kind}']:.3f} → {figures[kind]:.3f}"


def _band(least: float, most: float) -> str:
    if least == most:
        return "all" if least else "none"
    return f"{least:.0%} to {most:.0%}" if least else f"below {most:.0%}"


def _right(figures: dict[str, Any]) -> list[str]:
    rates = [f"{figures['accuracy']:.4f}", f"{figures['macro_f1']:.4f}"]
    return [f"{figures['texts']:,}", *rates, f"{figures['log_loss']:.3f}"]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004
