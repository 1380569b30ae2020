import base64
import hashlib
from itertools import count

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from modelseal.errors import PublicKeyError
from modelseal.public_keys import encode_public_key, parse_public_key
from signers import Signer

# The points of RFC 8032's curve whose order divides 8, and two other encodings that are accepted
# for them. Computed from the curve's equation, not by the code under test.
P = 2**255 - 19
ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
WEAK = [
    bytes(32),  # order 4; a placeholder
    (1).to_bytes(32, "little"),
    (P - 1).to_bytes(32, "little"),
    bytes.fromhex(ORDER_8),
    (P - int.from_bytes(bytes.fromhex(ORDER_8), "little")).to_bytes(32, "little"),
    P.to_bytes(32, "little"),
    (P + 1).to_bytes(32, "little"),
]


@given(st.binary(min_size=32, max_size=32))
def test_every_key_except_weak_ones_survives_its_text_form(key: bytes) -> None:
    weak = {one[:31] + bytes([one[31] & 0x7F]) for one in WEAK}
    if key[:31] + bytes([key[31] & 0x7F]) not in weak:
        assert parse_public_key(encode_public_key(key)) == key


def test_the_key_of_a_signer_is_parsed() -> None:
    signer = Signer()

    assert (
        parse_public_key(f"  {signer.public}\n") == signer.private.public_key().public_bytes_raw()
    )


@pytest.mark.parametrize("sign", [0x00, 0x80])
@pytest.mark.parametrize("key", WEAK)
def test_a_key_for_which_anybody_can_forge_signatures_is_refused(key: bytes, sign: int) -> None:
    with pytest.raises(PublicKeyError, match="weak key"):
        parse_public_key(encode_public_key(key[:31] + bytes([key[31] | sign])))


def test_a_signature_for_the_key_of_zeros_can_be_forged() -> None:
    # Without a private key: R of small order and S of zero are valid for some hashes.
    public = Ed25519PublicKey.from_public_bytes(bytes(32))
    forged = WEAK[1] + bytes(32)

    def verifies(number: int) -> bool:
        try:
            public.verify(forged, hashlib.sha256(str(number).encode()).digest())
        except InvalidSignature:
            return False
        return True

    assert next(number for number in count() if verifies(number)) < 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ed25519:",
        "latest",
        base64.b64encode(b"k" * 32).decode(),
        "ed25519:" + base64.b64encode(b"k" * 31).decode(),
        "ed25519:" + base64.b64encode(b"k" * 33).decode(),
        "ed25519:" + base64.b64encode(b"k" * 32).decode().rstrip("="),
        "ed25519:" + base64.b64encode(b"k" * 32).decode()[:-2] + "t=",  # its last bits are not zero
        "ED25519:" + base64.b64encode(b"k" * 32).decode(),
        "rsa:" + base64.b64encode(b"k" * 32).decode(),
        "ed25519:" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "-----BEGIN PUBLIC KEY-----",
    ],
)
def test_text_of_another_form_is_not_a_key(text: str) -> None:
    with pytest.raises(PublicKeyError, match="is not a public key of the form ed25519:BASE64"):
        parse_public_key(text)
