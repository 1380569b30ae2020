"""The picture of the loop for the cog blocks of documents (``make docs``)."""

from typing import Any

import docs


def pictures() -> str:
    """The picture of each service that has one, with its figures."""
    return "\n\n".join(
        f"![The loop of {name}]({name}/results/loop.svg)\n\n{_text(name, measured)}"
        for name, measured in docs.read_all("loop.json").items()
    )


def _text(name: str, measured: dict[str, Any]) -> str:
    metric, after = measured["metric"].upper().replace("_", " "), measured["after"]
    days = measured["first_alert_days"]
    alerts = " and ".join(f"`{one}` after {days[one]} days" for one in sorted(days, key=days.get))
    return (
        f"{name}: {measured['predictions']:,} answers in 12 weeks. {metric} "
        f"{measured['before']:.2f} before the drift and {measured['drifted']:.2f} after it; "
        f"{alerts}. The challenger learned from {measured['challenger_rows']:,} answers whose "
        f"outcome was known. After its promotion: {after['challenger']:.2f}, instead of "
        f"{after['champion']:.2f} of the champion on the same rows (95% interval of the gain: "
        f"{after['low']:.2f} to {after['high']:.2f})."
    )
