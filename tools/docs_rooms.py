"""Where each concept lives in each service, for the README; read from the folders themselves."""

from pathlib import Path

from docs import ROOT, table

__all__ = ["rooms"]

# A concept, and the modules or packages that may hold it: a large room is a package of its own.
ROOMS = {
    "fields of requests and tables": ("schema",),
    "reading input": ("data", "sources"),
    "features": ("features", "text", "forecast/features"),
    "training": ("training", "forecast/train"),
    "the model and its loader": ("model", "forecast/model"),
    "evaluation": ("evaluation", "forecast/backtest"),
    "golden set": ("golden", "forecast/golden"),
    "batch prediction": ("batch",),
    "HTTP API": ("api",),
    "commands": ("cli",),
    "sample data": ("sample",),
}


def rooms() -> str:
    """A table of concepts and, for each service, a link to the module or package.

    Raises:
        FileNotFoundError: A service has no room for a concept.
    """
    packages = {
        path.parents[2].name: path.parent for path in sorted(ROOT.glob("*-*/src/*/__main__.py"))
    }
    rows = [
        [concept, *(_link(package, names) for package in packages.values())]
        for concept, names in ROOMS.items()
    ]
    # Text in every column.
    return table(["concept", *packages], rows).replace("---:", "---")


def _link(package: Path, names: tuple[str, ...]) -> str:
    for name in names:
        for path in (package / name, package / f"{name}.py"):
            if path.exists():
                shown = f"{name}/" if path.is_dir() else f"{name}.py"
                return f"[`{shown}`]({path.relative_to(ROOT)})"
    raise FileNotFoundError(f"{package} has none of {', '.join(names)}; see {__file__}.")
