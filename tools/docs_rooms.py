"""The services and their rooms, for the README; read from the folders themselves."""

from service_files import Service, services

from docs import ROOT, table

__all__ = ["rooms", "service_table"]

# A concept, and the modules or packages that may hold it. The first is the name in a small service.
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


def service_table() -> str:
    """A table of the services: what they answer, and their ports."""
    rows = [
        [f"[`{one.name}`]({one.name}/README.md)", one.answers, str(one.port)]
        for one in services(ROOT)
    ]
    return table(["service", "answers", "port"], rows).replace("---:", "---", 1)


def rooms() -> str:
    """A table of concepts: the usual room, and links to those that have another name.

    Raises:
        FileNotFoundError: A service has no room for a concept.
    """
    rows = []
    for concept, names in ROOMS.items():
        found = [(service, _room(service, names)) for service in services(ROOT)]
        others = [
            f"[{service.name}]({service.name}/src/{service.package}/{room}): `{room}`"
            for service, room in found
            if room.removesuffix(".py").rstrip("/") != names[0]
        ]
        rows.append([concept, f"`{names[0]}`", ", ".join(others)])
    headings = ["concept", "module or package", "under another name"]
    # Text in every column.
    return table(headings, rows).replace("---:", "---")


def _room(service: Service, names: tuple[str, ...]) -> str:
    package = service.folder / "src" / service.package
    for name in names:
        for path in (package / name, package / f"{name}.py"):
            if path.exists():
                return f"{name}/" if path.is_dir() else f"{name}.py"
    raise FileNotFoundError(f"{package} has none of {', '.join(names)}; see {__file__}.")
