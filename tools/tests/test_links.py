"""Links of documents lead somewhere, or are named."""

import subprocess
from pathlib import Path

import pytest
from links import anchors, main

OTHER = """\
# A `heading`, with [a link](x.md)!

## Twice
## Twice

<a id="here"></a>
```
# not a heading
```
"""


def check(root: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that are printed for a repository with two documents."""
    (root / "docs").mkdir()
    (root / "docs/other.md").write_text(OTHER.replace("[a link](x.md)", "x"), encoding="utf-8")
    (root / "README.md").write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", "add", "--all"], cwd=root, check=True)
    status: object = 0
    try:
        main(root)
    except SystemExit as ended:
        status = ended.code
    lines = capsys.readouterr().out.splitlines()
    assert status == (1 if lines else 0)
    return lines


@pytest.mark.parametrize(
    "link",
    [
        *("docs", "docs/other.md", "docs/other.md#twice", "docs/other.md#twice-1", "#title"),
        *("docs/other.md#here", "https://nowhere.test/x", "mailto:a@b.test"),
        'docs/other.md "A title"',
    ],
)
def test_a_link_that_leads_somewhere_passes(
    link: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, f"# Title\n\nSee [it]({link}).\n", capsys) == []


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("none.md", "there is no none.md"),
        ("../outside.md", "there is no ../outside.md"),
        ("docs/other.md#thrice", "no heading has this anchor"),
        ("docs/other.md#not-a-heading", "no heading has this anchor"),
        ("#other", "no heading has this anchor"),
    ],
)
def test_another_is_named_with_its_line(
    link: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"# Title\n\n```\n[code](none.md)\n```\n`[code](none.md)` and ![an image]({link})\n"

    (line,) = check(tmp_path, text, capsys)

    assert line.startswith(f"README.md:6: {link}: {message}")


def test_anchors_are_those_that_the_host_makes(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(OTHER, encoding="utf-8")

    assert anchors(tmp_path / "a.md") == {"a-heading-with-a-link", "twice", "twice-1", "here"}
