"""A report as text and tables, and its forms for people: Markdown, and one page of HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape

__all__ = ["Cell", "Code", "Document", "State", "Table", "Text", "render_html", "render_markdown"]


class State(StrEnum):
    """What a cell says at a glance."""

    GOOD = "good"
    BAD = "bad"
    NOTE = "note"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    state: State = State.PLAIN


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a heading of its own."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Text:
    """Paragraphs under a heading."""

    title: str
    paragraphs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Code:
    """Something to be read character by character, such as a patch."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A report.

    Attributes:
        title: What it is about.
        verdict: The answer, in a few words.
        state: Whether that is good.
        summary: The answer, in a sentence or two.
        blocks: The evidence.
    """

    title: str
    verdict: str
    state: State
    summary: str
    blocks: Sequence[Table | Text | Code]


_SIGNS = {State.GOOD: "✓ ", State.BAD: "✗ ", State.NOTE: "· ", State.PLAIN: ""}


def render_markdown(document: Document) -> str:
    """The report as Markdown."""
    parts = [f"# {document.title}", f"**{document.verdict}** {document.summary}"]
    for block in document.blocks:
        parts.append(f"## {block.title}")
        match block:
            case Table():
                lines = [_row(block.header), _row(["---"] * len(block.header))]
                lines += [_row([_SIGNS[c.state] + c.text for c in row]) for row in block.rows]
                parts.append("\n".join(lines))
            case Text():
                parts += block.paragraphs
            case Code():
                parts.append(f"```diff\n{block.text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def render_html(document: Document) -> str:
    """The report as one page that needs nothing else."""
    body = "\n".join(_html(block) for block in document.blocks)
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
{body}
</main>
</body>
</html>
"""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _html(block: Table | Text | Code) -> str:
    heading = f"<h2>{escape(block.title)}</h2>"
    match block:
        case Table():
            head = "".join(f'<th scope="col">{escape(name)}</th>' for name in block.header)
            rows = "\n".join(f"<tr>{_cells(row)}</tr>" for row in block.rows)
            table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
            return f'<section>{heading}<div class="wide">{table}</div></section>'
        case Text():
            text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in block.paragraphs)
            return f"<section>{heading}{text}</section>"
        case Code():
            lines = "\n".join(_line(line) for line in block.text.splitlines())
            return f"<section>{heading}<pre>{lines}</pre></section>"


def _cells(row: Sequence[Cell]) -> str:
    first, *rest = row
    cells = [f'<th scope="row" class="{first.state}">{_marked(first)}</th>']
    cells += [f'<td class="{cell.state}">{_marked(cell)}</td>' for cell in rest]
    return "".join(cells)


def _marked(cell: Cell) -> str:
    sign = _SIGNS[cell.state].strip()
    mark = f'<b aria-label="{cell.state}">{sign}</b> ' if sign else ""
    return mark + escape(cell.text)


def _line(line: str) -> str:
    kind = {"+": "added", "-": "removed", "@": "place"}.get(line[:1], "")
    return f'<span class="{kind}">{escape(line)}</span>'


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
section { margin:24px 0; } h2 { font-size:17px; margin:0 0 8px; }
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
section p { max-width:80ch; margin:0 0 8px; }
pre { background:var(--card); border:1px solid var(--line); border-radius:10px; padding:14px;
  overflow-x:auto; font:13px/1.5 ui-monospace,Menlo,Consolas,monospace; }
.added { color:var(--good); } .removed { color:var(--bad); } .place { color:var(--soft); }
@media print { body { background:#fff; } header, main { max-width:none; } }
"""
