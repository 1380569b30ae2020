"""Tables and texts for the cog blocks of BankChurn's documents."""

from docs import read, table


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
            f"{prediction['request_path_ms']:.3f} ms",
            f"{prediction['pipeline_ms']:.1f} ms",
            f"{prediction['times_faster']:.0f} times",
        ],
        [
            "exact explanation of one customer, compared with `shap.KernelExplainer`",
            f"{explanation['exact_ms']:.1f} ms",
            f"{explanation['kernel_explainer_ms']:,.0f} ms",
            f"{explanation['times_faster']:,.0f} times",
        ],
    ]
    lines = [table(["CPU time of one thread, one run", "here", "there", "faster"], rows), ""]
    training = measured["training"]
    lines.append(
        f"Training on {training['rows']:,} customers, from data to sealed model: "
        f"{training['cpu_seconds']:.0f} s of CPU time. Machine: {measured['machine']}."
    )
    return "\n".join(lines)


def _spread(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.4f} ± {figure['standard_deviation']:.4f}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
