import re
from pathlib import Path

from pinproof.errors import SealedModelError
from pinproof.sealed.manifest import Manifest

DOCUMENT = (Path(__file__).parents[1] / "docs" / "sealed-model.md").read_text(encoding="utf-8")


def test_every_refusal_is_documented_under_its_code() -> None:
    documented = re.findall(r"^\| \d \| `([a-z-]+)` \| `(\w+)` \|", DOCUMENT, flags=re.MULTILINE)

    assert sorted(documented) == sorted(
        (refusal.code, refusal.__name__) for refusal in SealedModelError.__subclasses__()
    )


def test_every_field_of_the_manifest_is_documented() -> None:
    section = DOCUMENT.partition("format 1\n")[2].partition("## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", section, flags=re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(
        Manifest.model_fields
    )
