"""Text normalisation for training, evaluation and requests, the same for both back ends.

The same words must get the same label, however they were typed, escaped or passed on. The steps, in
this order:

1. Invisible characters are removed: zero-width and bidirectional marks, soft hyphens, byte order
   marks, variation selectors.
2. NFKC: the composed, the decomposed and the compatibility form of a text become one text,
   full-width letters, ligatures and the ellipsis included. Runs of combining marks are cut at
   `MAX_MARKS`, the limit of Unicode's stream-safe format: ordering a longer run takes quadratic
   time.
3. HTML entities are resolved (`nlpinsight.text.entities`), those that were escaped twice as well.
4. Control characters and lone surrogates become spaces.
5. Typographic quotes, apostrophes, backticks and primes become ASCII quotes; dashes, hyphens and
   the minus sign become a hyphen-minus, and so does a run of them.
6. Links are removed, with or without a scheme.
7. White space becomes single spaces; none is left at the ends.
8. Retweet prefixes (``RT @name:``) are removed.

Normalisation is idempotent. A normalised text is never longer than the text in compatibility
form. Letter case, other punctuation, digits, emoji, cashtags and mentions are kept.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from nlpinsight.text.entities import unescape

MAX_MARKS: Final = 30

# Unicode's category Cf, variation selectors and other characters that render as nothing. Visible or
# meaningful ones (Arabic number signs, musical beams) are kept.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]+"
)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")

# These have no combining class, but NFKC turns them into marks that have one.
_HIDDEN_MARKS: Final = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")

_TYPOGRAPHIC: Final = {
    **dict.fromkeys(map(ord, "`\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u02bb\u02bc"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u2036\u00ab\u00bb"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u2e3b"), "-"),
}
# A spacing acute accent, which is typed for an apostrophe, is a space with a mark in NFKC.
_ACUTE: Final = re.compile(r"\s\u0301")
_DASHES: Final = re.compile("-{2,}")

# After these hosts of short links and pictures, any path is a link. After other hosts
# ("Amazon.com/Whole Foods"), only a path with a digit, a query or a second part.
_SHORTENERS: Final = (
    "t.co", "bit.ly", "pic.twitter.com", "pic.x.com", "bloom.bg", "buff.ly", "cnb.cx", "dlvr.it",
    "fb.me", "goo.gl", "is.gd", "lnkd.in", "nyti.ms", "on.ft.com", "on.mktw.net", "on.wsj.com",
    "ow.ly", "reut.rs", "tinyurl.com", "trib.al", "yhoo.it", "youtu.be",
)  # fmt: skip
_LINK: Final = re.compile(
    r"\bhttps?://\S+|\bwww\.\S+"
    rf"|(?<![\w@./-])(?:{'|'.join(map(re.escape, _SHORTENERS))})/\S+"
    r"|(?<![\w@./-])(?:[a-z0-9-]+\.)+[a-z]{2,24}/(?=[^\s\d/?=]*[\d/?=])\S+",
    re.IGNORECASE,
)
_RETWEET: Final = re.compile(r"(?:RT:? ?@\w+(?: ?: ?| |$))+", re.IGNORECASE)


# NFKC can make eighteen characters of one and blocks other threads, so a text of unknown length is
# composed in pieces of this size.
_PIECE: Final = 512


class EmptyTextError(ValueError):
    """A text is empty once normalised.

    Attributes:
        places: Indices of the empty texts.
    """

    def __init__(self, message: str, places: Sequence[int]) -> None:
        super().__init__(message)
        self.places = tuple(places)


def normalise(text: str) -> str:
    """Normalise a text; the result may be empty."""
    if not text.isascii():
        text = _compose(text)
    if "&" in text:
        resolved = unescape(text, _INVISIBLE)
        if not (resolved is text or resolved.isascii()):
            resolved = _compose(resolved)
        text = resolved
    # What is printable has no control characters and no surrogates.
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    text = _ascii_punctuation(text)
    words = text.split()
    if "/" in text or "www." in text.lower():
        words = [left for word in words if (left := _without_link(word))]
    text = " ".join(words)
    retweet = _RETWEET.match(text)
    return text[retweet.end() :] if retweet else text


def normalise_all(texts: Sequence[str]) -> list[str]:
    """Normalise texts that must not become empty.

    Raises:
        EmptyTextError: A text is empty once normalised.
    """
    normalised = [normalise(text) for text in texts]
    if "" in normalised:
        raise EmptyTextError(
            f"Text {normalised.index('')} has nothing to judge: it is empty, or only white space, "
            "invisible characters, links or a retweet prefix. Leave it out.",
            [place for place, text in enumerate(normalised) if not text],
        )
    return normalised


def grows(text: str) -> bool:
    """Whether a text may become longer by normalisation."""
    return not (text.isascii() or unicodedata.is_normalized("NFKC", text))


def is_longer(text: str, limit: int) -> bool:
    """Whether a text has more characters than a limit in compatibility form (NFKC).

    Only about as much of that form is computed as the limit.
    """
    if text.isascii():
        return len(text) > limit
    length = 0
    for start in range(0, len(text), _PIECE):
        length += len(unicodedata.normalize("NFKC", text[start : start + _PIECE]))
        if length > limit:
            return True
    return False


def _compose(text: str) -> str:
    # Cut before NFKC, to bound its time, and after, because it creates marks.
    text = _cut_marks(_INVISIBLE.sub("", text))
    return _cut_marks(unicodedata.normalize("NFKC", text))


def _cut_marks(text: str) -> str:
    if _HIDDEN_MARKS.isdisjoint(text) and not any(map(unicodedata.combining, text)):
        return text
    kept, run = [], 0
    for character in text:
        is_mark = unicodedata.combining(character) or character in _HIDDEN_MARKS
        run = run + 1 if is_mark else 0
        if run <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def _without_link(word: str) -> str:
    link = _LINK.search(word) if "/" in word or "." in word else None
    return word[: link.start()] if link else word


def _ascii_punctuation(text: str) -> str:
    if not text.isascii():
        text = _ACUTE.sub("'", text).translate(_TYPOGRAPHIC)
    elif "`" in text:
        text = text.replace("`", "'")
    # Two single quotes are how plain text and Penn Treebank's tokens spell a double one.
    text = text.replace("''", '"')
    return _DASHES.sub("-", text) if "--" in text else text
