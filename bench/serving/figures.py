"""Figures of the benchmark of serving, as text."""


def shown_ms(figure: dict[str, float]) -> str:
    """A median in milliseconds."""
    value = figure["median"]
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"  # noqa: PLR2004


def shown_rate(figure: dict[str, float]) -> str:
    """A median per second."""
    value = figure["median"]
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"  # noqa: PLR2004


def escaped(text: str) -> str:
    """A reason in one line, as code."""
    return f"`{' '.join(text.replace('`', chr(39)).split())}`"
