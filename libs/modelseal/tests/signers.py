"""Keys that sign models in tests."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from modelseal.signature import Signature, encode_signature, signed_bytes
from modelseal.signing import public_key_of, sign_model

NOW = datetime.now(UTC).replace(microsecond=0)


class Signer:
    """A pair of keys.

    Attributes:
        private: The private key.
        public: The public one, as a deployment names it.
    """

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.public = public_key_of(self.private)

    def sign(
        self, model: Path, *, signed: datetime = NOW, valid_days: int | None = None
    ) -> Signature:
        return sign_model(model, self.private, signed=signed, valid_days=valid_days)

    def sign_as(self, model: Path, **changes: object) -> None:
        """Sign other values than `modelseal sign` would, with a valid signature."""
        document: dict[str, Any] = json.loads((model / "signature.json").read_bytes())
        unsigned = Signature.model_validate(document | changes)
        made = base64.b64encode(self.private.sign(signed_bytes(unsigned))).decode()
        signature = unsigned.model_copy(update={"signature": made})
        (model / "signature.json").write_bytes(encode_signature(signature))

    def write(self, path: Path, passphrase: bytes | None = None) -> Path:
        encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        pem = self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        path.write_bytes(pem)
        return path
