"""No byte of a signed model's manifest or signature can change."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_folders import write_model
from modelseal import SealedModelError
from modelseal.manifest import read_manifest
from signers import Signer

SIGNER = Signer()


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_model(tmp_path_factory.mktemp("signed") / "model").folder
    SIGNER.sign(folder, valid_days=1)
    read_manifest(folder, signers=[SIGNER.public])
    return folder


@given(
    name=st.sampled_from(["manifest.json", "signature.json"]),
    place=st.floats(min_value=0, max_value=1, exclude_max=True),
    removed=st.integers(min_value=0, max_value=3),
    put=st.binary(max_size=3),
)
def test_any_change_of_the_manifest_or_signature_is_refused(
    signed: Path, name: str, place: float, removed: int, put: bytes
) -> None:
    path = signed / name
    original = path.read_bytes()
    start = int(place * len(original))
    changed = original[:start] + put + original[start + removed :]
    path.write_bytes(changed)
    try:
        if changed == original:
            read_manifest(signed, signers=[SIGNER.public])
        else:
            with pytest.raises(SealedModelError):
                read_manifest(signed, signers=[SIGNER.public])
    finally:
        path.write_bytes(original)


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_no_byte_of_the_signature_can_be_flipped(signed: Path, flip: int) -> None:
    path = signed / "signature.json"
    original = path.read_bytes()
    accepted = []
    for position, byte in enumerate(original):
        path.write_bytes(original[:position] + bytes([byte ^ flip]) + original[position + 1 :])
        try:
            read_manifest(signed, signers=[SIGNER.public])
        except SealedModelError:
            continue
        accepted.append(position)
    path.write_bytes(original)

    assert accepted == []
