"""Pages without outside assets, from the templates of the packages."""

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

__all__ = ["render_template"]


def render_template(name: str, **values: object) -> str:
    """Render a template of `modelwatch.reporting` or `modelwatch.challenge`."""
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader("modelwatch", "reporting"), PackageLoader("modelwatch", "challenge")]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(**values)
