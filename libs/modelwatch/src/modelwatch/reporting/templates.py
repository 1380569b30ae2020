"""Pages without outside assets, from templates."""

from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

__all__ = ["render_template"]


def render_template(name: str, *, folder: Path | None = None, **values: object) -> str:
    """Render a template of `modelwatch.reporting` or `modelwatch.challenge`.

    Args:
        name: File name of the template.
        folder: Folder with further templates, which may include those of the packages.
        values: Values of the template.
    """
    packages = [PackageLoader("modelwatch", one) for one in ("reporting", "challenge")]
    folders = [] if folder is None else [FileSystemLoader(folder)]
    environment = Environment(
        loader=ChoiceLoader([*folders, *packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(**values)
