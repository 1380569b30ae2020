"""The map page: one document that loads nothing else, with a policy that enforces it."""

import base64
import hashlib
import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from chicagotaxi.api.areas import COLUMNS, ROWS, TILES
from chicagotaxi.city import CITY


@dataclass(frozen=True)
class Page:
    """A document and its headers."""

    body: bytes
    headers: dict[str, str]


def render_page() -> Page:
    """Render the page, with its style and script inside.

    Its policy allows this style and script by their digests, requests to its own origin, and
    nothing else.
    """
    folder = files("chicagotaxi.api") / "assets"
    markup, style, script = (
        (folder / name).read_text(encoding="utf-8") for name in ("map.html", "map.css", "map.js")
    )
    tiles = [
        {"area": area, "name": CITY.areas[area], "row": row + 1, "column": column + 1}
        for area, (row, column) in sorted(TILES.items())
    ]
    layout = {
        "rows": ROWS,
        "columns": COLUMNS,
        "tiles": tiles,
        "currency": CITY.currency_sign,
        "distance": CITY.distance,
        "miles": CITY.miles_per_unit,
    }
    script = script.replace("__LAYOUT__", json.dumps(layout, ensure_ascii=True))
    markup = markup.replace("__CITY__", escape(CITY.name))
    markup = markup.replace("__AREAS__", escape(CITY.areas_title.capitalize()))
    body = markup.replace("__STYLE__", style).replace("__SCRIPT__", script)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return Page(
        body.encode(), {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
