import re
from pathlib import Path

import pytest
from modelseal.errors import SealedModelError
from modelseal.manifest import Manifest
from modelseal.public_keys import parse_public_key
from modelseal.signature import Signature
from pydantic import BaseModel

DOCUMENT = (Path(__file__).parents[1] / "docs" / "sealed-model.md").read_text(encoding="utf-8")


def test_every_refusal_is_documented_under_its_code() -> None:
    documented = re.findall(r"^\| \d \| `([a-z-]+)` \| `(\w+)` \|", DOCUMENT, flags=re.MULTILINE)

    assert sorted(documented) == sorted(
        (refusal.code, refusal.__name__) for refusal in SealedModelError.__subclasses__()
    )


@pytest.mark.parametrize(
    ("file", "document"), [("manifest.json", Manifest), ("signature.json", Signature)]
)
def test_every_field_of_a_document_is_documented(file: str, document: type[BaseModel]) -> None:
    section = DOCUMENT.partition(f"# `{file}`, format 1\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", section, flags=re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(
        document.model_fields
    )


def test_the_keys_in_the_documents_have_the_accepted_form() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    keys = re.findall(r"MODEL_SIGNERS=(\S+)", DOCUMENT + readme)

    assert len(keys) == 2
    assert all(parse_public_key(key) for key in keys)
