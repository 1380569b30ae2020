"""Public keys of signers in their text form: ``ed25519:`` and 32 bytes in base64.

Parsing a key needs no cryptography library, so that settings are checked without loading it.
"""

import base64
import re
from typing import Final

from modelseal.errors import PublicKeyError

__all__ = ["encode_public_key", "parse_public_key"]

_FORM: Final = re.compile(r"ed25519:([A-Za-z0-9+/]{43}=)")

# The curve of RFC 8032, section 5.1: -x^2 + y^2 = 1 + d x^2 y^2 modulo p.
_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P


def encode_public_key(key: bytes) -> str:
    """The text form of a public key.

    Args:
        key: Its 32 bytes, as RFC 8032 encodes them.
    """
    return f"ed25519:{base64.b64encode(key).decode()}"


def parse_public_key(text: str) -> bytes:
    """The 32 bytes of a public key.

    Args:
        text: Its text form. Spaces around it are ignored.

    Raises:
        PublicKeyError: It has another form, or is one of the few weak keys for which anybody can
            forge signatures. A placeholder of zeros is one of them.
    """
    found = _FORM.fullmatch(text.strip())
    key = base64.b64decode(found[1]) if found else b""
    if not found or encode_public_key(key) != text.strip():
        raise PublicKeyError(
            f"{text!r} is not a public key of the form ed25519:BASE64.",
            remedy="Copy the key that `modelseal sign` printed: ed25519: and 44 characters.",
        )
    if _has_small_order(key):
        raise PublicKeyError(
            f"{text!r} is a weak key, for which anybody can forge signatures.",
            remedy="Replace it with the key that `modelseal sign` printed.",
        )
    return key


def _has_small_order(key: bytes) -> bool:
    """Whether eight times the point is the neutral element.

    By the curve's equation and its doubling, y is 1 or -1 at orders 1 and 2, 0 at order 4, and
    doubling gives y = 0 at order 8, where d y^4 + 2 y^2 = 1.
    """
    y = int.from_bytes(key, "little") % 2**255
    square = y * y % _P
    return y * (square - 1) * (_D * square * square + 2 * square - 1) % _P == 0
