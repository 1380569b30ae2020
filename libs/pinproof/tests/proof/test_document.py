"""Reports: the same content in Markdown and in HTML."""

from pinproof.proof.document import Document, State, diff, mark, paragraphs, render_html, table

REPORT = Document(
    title="The pins of <a & b>",
    verdict="Not proven",
    state=State.BAD,
    summary="1 of 2 failed.",
    sections=[
        table(
            "Checks",
            ["", "floor"],
            [
                ["imports", mark(State.BAD, "a|b: **<module>** [x](http://y) `z` \\d\nnext")],
                ["opens", mark(State.GOOD, "1")],
                ["", "-"],
            ],
        ),
        paragraphs("Meaning", "one *two* <b>", "three"),
        diff("Patch", "@@ -1 +1 @@\n-a<1\n+a<2\n b\n"),
    ],
)


def test_markdown() -> None:
    assert REPORT.markdown == (
        "# The pins of <a & b>\n\n**Not proven** 1 of 2 failed.\n\n## Checks\n\n"
        "|  | floor |\n| --- | --- |\n"
        "| imports | ✗ a\\|b: **<module>** [x](http://y) `z` \\d next |\n"
        "| opens | ✓ 1 |\n|  | - |\n\n"
        "## Meaning\n\none *two* <b>\n\nthree\n\n"
        "## Patch\n\n```diff\n@@ -1 +1 @@\n-a<1\n+a<2\n b\n```\n"
    )


def test_html_has_the_classes_of_cells_and_shows_every_text_literally() -> None:
    page = render_html(REPORT)
    body = page.partition("</style>")[2]

    assert '<header class="bad">\n<p class="title">The pins of &lt;a &amp; b&gt;</p>' in body
    assert '<th scope="col">floor</th>' in body
    assert (
        '<th scope="row">imports</th><td class="bad"><b aria-label="bad">✗</b> '
        "a|b: **&lt;module&gt;** [x](http://y) `z` \\d next</td>"
    ) in body
    assert '<td class="good"><b aria-label="good">✓</b> 1</td>' in body
    assert '<th scope="row"></th><td>-</td>' in body
    assert "<h2>Meaning</h2>\n<p>one *two* &lt;b&gt;</p>\n<p>three</p>" in body
    assert (
        '<pre><span class="place">@@ -1 +1 @@</span>\n<span class="removed">-a&lt;1</span>\n'
        '<span class="added">+a&lt;2</span>\n<span class=""> b</span></pre>'
    ) in body
