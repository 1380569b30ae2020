"""Reports in Markdown, and as one HTML page that is made from the Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from pinproof.python310 import StrEnum


class State(StrEnum):
    """The result that a cell shows."""

    GOOD = "good"
    BAD = "bad"
    NOTE = "note"


_SIGNS = {State.GOOD: "✓", State.BAD: "✗", State.NOTE: "·"}
_STATES = {sign: state for state, sign in _SIGNS.items()}


@dataclass(frozen=True, slots=True)
class Document:
    """A report.

    Attributes:
        title: The subject.
        verdict: The result in a few words.
        state: Whether the result is good.
        summary: The result in one or two sentences.
        sections: The evidence, in Markdown.
    """

    title: str
    verdict: str
    state: State
    summary: str
    sections: Sequence[str]

    @property
    def markdown(self) -> str:
        """The report in Markdown."""
        head = (f"# {self.title}", f"**{self.verdict}** {self.summary}")
        return "\n\n".join([*head, *self.sections]) + "\n"


def mark(state: State, text: str) -> str:
    """The text of a table cell with the sign of its state."""
    return f"{_SIGNS[state]} {text}"


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A section with a table."""
    lines = [_row(cells) for cells in (header, ["---"] * len(header), *rows)]
    return paragraphs(title, "\n".join(lines))


def paragraphs(title: str, *texts: str) -> str:
    """A section of paragraphs."""
    return "\n\n".join([f"## {title}", *texts])


def diff(title: str, text: str) -> str:
    """A section with a unified diff."""
    return paragraphs(title, f"```diff\n{text.rstrip()}\n```")


def render_html(document: Document) -> str:
    """The report as one page that needs no other file."""
    # Only these constructs are parsed: any other Markdown in a text is shown as it is.
    markdown = MarkdownIt("zero").enable(["heading", "table", "fence"])
    for name, rule in _RULES.items():
        markdown.add_render_rule(name, rule)
    body = markdown.render("\n\n".join(document.sections))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(document.title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header class="{document.state}">
<p class="title">{escape(document.title)}</p>
<h1>{escape(document.verdict)}</h1>
<p>{escape(document.summary)}</p>
</header>
<main>
{body}</main>
</body>
</html>
"""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _open_cell(
    _: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    """The first cell of a row is its header. A cell that begins with a sign gets its state."""
    tag = 'th scope="row"' if tokens[index - 1].type == "tr_open" else "td"
    content = tokens[index + 1]
    sign, space, rest = content.content.partition(" ")
    if not space or sign not in _STATES or not content.children:
        return f"<{tag}>"
    content.children[0].content = rest
    state = _STATES[sign]
    return f'<{tag} class="{state}"><b aria-label="{state}">{sign}</b> '


def _close_cell(
    _: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return "</th>" if tokens[index - 3].type == "tr_open" else "</td>"


def _diff(
    _: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = (
        f'<span class="{kinds.get(line[:1], "")}">{escape(line)}</span>'
        for line in tokens[index].content.splitlines()
    )
    return "<pre>" + "\n".join(lines) + "</pre>\n"


_RULES = {
    "table_open": lambda *_: '<div class="wide"><table>\n',
    "table_close": lambda *_: "</table></div>\n",
    "th_open": lambda *_: '<th scope="col">',
    "td_open": _open_cell,
    "td_close": _close_cell,
    "fence": _diff,
}

_STYLE = """
:root { --ink:#1d2733; --soft:#5b6875; --line:#dfe4ea; --page:#f6f7f9; --card:#fff;
  --good:#17724a; --good-bg:#e4f4eb; --bad:#ad2831; --bad-bg:#fbe6e7; --note:#7a5a00;
  --note-bg:#fbf3da; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink:#e3e8ee; --soft:#9aa7b4; --line:#313c48;
  --page:#12181f; --card:#1a222b; --good:#6fd3a0; --good-bg:#173227; --bad:#ff9aa2;
  --bad-bg:#3c1d21; --note:#e6c766; --note-bg:#352c14; } }
* { box-sizing: border-box; }
body { margin:0; background:var(--page); color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif; }
header, main { max-width:1080px; margin:0 auto; padding:0 24px; }
header { margin-top:32px; padding:20px 24px; border-radius:12px; background:var(--note-bg);
  border-left:8px solid var(--note); }
header.good { background:var(--good-bg); border-color:var(--good); }
header.bad { background:var(--bad-bg); border-color:var(--bad); }
header h1 { margin:2px 0 6px; font-size:30px; line-height:1.2; }
header p { margin:0; max-width:75ch; } header .title { color:var(--soft); font-weight:600; }
h2 { font-size:17px; margin:24px 0 8px; }
.wide { overflow-x:auto; background:var(--card); border:1px solid var(--line);
  border-radius:10px; }
table { border-collapse:collapse; width:100%; font-variant-numeric:tabular-nums; }
th, td { text-align:left; vertical-align:top; padding:9px 14px;
  border-top:1px solid var(--line); overflow-wrap:anywhere; }
thead th { border-top:0; color:var(--soft); font-size:13px; } tbody th { font-weight:600;
  min-width:9em; overflow-wrap:break-word; }
td.good { background:var(--good-bg); } td.bad { background:var(--bad-bg); }
td.note { background:var(--note-bg); }
.good b { color:var(--good); } .bad b { color:var(--bad); } .note b { color:var(--note); }
main p { max-width:80ch; margin:0 0 8px; }
pre { background:var(--card); border:1px solid var(--line); border-radius:10px; padding:14px;
  overflow-x:auto; font:13px/1.5 ui-monospace,Menlo,Consolas,monospace; }
.added { color:var(--good); } .removed { color:var(--bad); } .place { color:var(--soft); }
@media print { body { background:#fff; } header, main { max-width:none; } }
"""
