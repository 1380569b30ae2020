"""Real texts, typed, escaped or passed on in another way: they stay the same text.

Equal normalised texts get equal labels, whatever the back end: no model reads anything else.
"""

import csv
import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from nlpinsight.text.normalisation import normalise


@pytest.fixture(scope="module")
def texts(real_data: Path) -> list[str]:
    path = real_data / "tfns_sent_valid.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


def swap(one: str, other: str) -> Callable[[str], str]:
    return lambda text: text.replace(one, other)


@pytest.mark.parametrize(
    ("change", "least"),
    [
        pytest.param(swap("'", "\u2019"), 300, id="typographic apostrophe"),
        pytest.param(swap("\u2019", "'"), 100, id="plain apostrophe"),
        pytest.param(swap("'", "`"), 300, id="backtick"),
        pytest.param(swap("'", "&#39;"), 300, id="escaped apostrophe"),
        pytest.param(swap("'", "&rsquo;"), 300, id="named apostrophe"),
        pytest.param(swap('"', "\u201d"), 20, id="typographic quotes"),
        pytest.param(swap("-", "\u2013"), 500, id="en dash"),
        pytest.param(swap("-", "\u2014"), 500, id="em dash"),
        pytest.param(swap(" - ", " -- "), 100, id="two hyphens"),
        pytest.param(swap("-", "\u2011"), 500, id="non-breaking hyphen"),
        pytest.param(swap("-", "\u2212"), 500, id="minus sign"),
        pytest.param(swap("\u2026", "..."), 300, id="three dots"),
        pytest.param(swap("...", "&hellip;"), 30, id="escaped ellipsis"),
        pytest.param(swap("&", "&amp;"), 50, id="ampersand, escaped"),
        pytest.param(swap("&", "&amp;amp;"), 50, id="ampersand, escaped twice"),
        pytest.param(html.escape, 400, id="escaped"),
        pytest.param(lambda text: html.escape(html.escape(text)), 400, id="escaped twice"),
        pytest.param(swap(" ", "\u00a0"), 2000, id="no-break space"),
        pytest.param(swap(" ", "&nbsp;"), 2000, id="escaped space"),
        pytest.param(swap("https://t.co", "t.co"), 1000, id="link without scheme"),
        pytest.param(lambda text: re.sub(r"https://\S+", "", text), 1000, id="without links"),
        pytest.param(lambda text: f"{text} t.co/AbC", 2000, id="with a link"),
        pytest.param(lambda text: f"{text} pic.twitter.com/AbC", 2000, id="with a picture"),
        pytest.param(lambda text: f"RT @trader_1: {text}", 2000, id="retweet"),
        pytest.param(lambda text: f"RT @a: RT @b {text}", 2000, id="retweet of a retweet"),
    ],
)
def test_no_real_text_gets_another_label(
    texts: list[str], change: Callable[[str], str], least: int
) -> None:
    changed = [text for text in texts if change(text) != text]

    assert len(changed) >= least
    assert [text for text in changed if normalise(change(text)) != normalise(text)] == []
