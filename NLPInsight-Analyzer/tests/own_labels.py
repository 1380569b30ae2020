"""Copies of the package with other labels, and made-up texts."""

import csv
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import nlpinsight
from servicekit.testing import PackageCopy

FOUR_TOPICS = """\
Label = Literal["billing", "delivery", "Returns", "account access"]

SUBJECT: Final = "Topic of a request to a help desk"

EXAMPLES: Final = (
    "Why was I charged twice on the invoice of May?",
    "The parcel has not arrived and the courier is late",
    "I want to send the lamp back and get a refund",
    "I cannot sign in, please reset my password",
)

OTHER_NAMES: Final[Mapping[str, Label]] = {"invoice": "billing"}

NUMBERINGS: Final[Mapping[str, Mapping[float, Label]]] = {}
"""

TWO_LABELS = """\
Label = Literal["ham", "spam"]

SUBJECT: Final = "Whether a text is spam"

EXAMPLES: Final = ("Shall we meet at noon?", "You have won a prize, click to claim it")

OTHER_NAMES: Final[Mapping[str, Label]] = {}

NUMBERINGS: Final[Mapping[str, Mapping[float, Label]]] = {}
"""

DECLARATION = re.compile(
    r"(?<=declaration of the labels begins\.\n).*(?=# The declaration of the labels ends\.\n)",
    re.DOTALL,
)

TOPICS = ("billing", "delivery", "Returns", "account access")
SPOKEN = {
    "billing": ("charged", "invoice", "payment", "price", "paid", "card"),
    "delivery": ("parcel", "courier", "arrived", "shipping", "tracking", "late"),
    "Returns": ("refund", "return", "broken", "exchange", "back", "damaged"),
    "account access": ("password", "sign", "locked", "login", "code", "reset"),
}
FILLERS = ("please", "help", "the", "my", "is", "why", "it", "was", "since", "Monday", "again")


class Workplace(PackageCopy):
    """A copy of the package with another declaration, and a folder for its data."""

    def __init__(self, folder: Path, declaration: str) -> None:
        super().__init__(nlpinsight, folder)
        schema = self.source / "schema.py"
        text, replaced = DECLARATION.subn(declaration, schema.read_text(encoding="utf-8"))
        assert replaced == 1
        schema.write_text(text, encoding="utf-8")

    def write(self, name: str, rows: Sequence[tuple[str, object]]) -> str:
        with (self.folder / name).open("w", newline="") as stream:
            csv.writer(stream).writerows([("text", "label"), *rows])
        return name

    def read(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(newline="") as stream:
            return list(csv.DictReader(stream))


def requests_of(spoken: Mapping[str, Sequence[str]], texts: int) -> list[tuple[str, str]]:
    """Texts of words that occur with one label only, and of words that occur with all."""
    draw = random.Random(11)  # noqa: S311 - made-up texts
    rows: list[tuple[str, str]] = []
    for number in range(texts):
        label = draw.choice(list(spoken))
        words = [*draw.sample(spoken[label], 2), *draw.sample(FILLERS, 5)]
        draw.shuffle(words)
        rows.append((f"{' '.join(words)} {number}", label))
    return rows
