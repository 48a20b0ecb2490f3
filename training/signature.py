"""The key that a publisher signs versions with. server/signature.py says what a signature stands for."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server.errors import BadKey
from server.signature import TrustedKeys


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key, which is never shown."""

    _key: Ed25519PrivateKey

    def sign(self, sums: bytes) -> bytes:
        """The signature of the contents of SHA256SUMS, 64 bytes; always the same for the same contents."""
        return self._key.sign(sums)

    @property
    def trusted(self) -> TrustedKeys:
        """What a server that trusts this key alone has."""
        return TrustedKeys((self._key.public_key(),))


def read_signing_key(path: Path) -> SigningKey:
    """The key in this file: PEM, PKCS #8, not encrypted.

    Raises:
        BadKey: it cannot be read, or holds something else.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise BadKey(f"the signing key {path} cannot be read: {error.strerror}") from error
    except TypeError as error:  # the library's word for a password that is missing
        raise BadKey(f"{path} is encrypted; needed is a key without a password, in a file of your own") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey(
            f"{path} holds no private key in PEM; make one with: openssl genpkey -algorithm ed25519 -out {path}"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(
            f"{path} holds a key of another kind than Ed25519; make one with: openssl genpkey -algorithm ed25519"
        )
    return SigningKey(key)
