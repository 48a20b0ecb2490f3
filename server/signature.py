"""Who may publish: public keys, and signatures of versions by them. Ed25519, RFC 8032."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from server.bundle import SIGNATURE_FILE, SUMS_FILE
from server.errors import BadBundle, BadKey

SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Whose versions may serve.

    What is signed is SHA256SUMS, byte by byte. It holds the hash of manifest.json, which says of which model and
    version it is, and a version is refused whose manifest is not of its folder. So a signature cannot be moved to
    another file, model or version; it can be moved to another repository that trusts the same key.

    Attributes:
        keys: one is enough, so that a new key can be trusted before the old one no longer is. With none, nothing is
            trusted.
    """

    keys: tuple[Ed25519PublicKey, ...]

    def check(self, signed: bytes, signature: bytes) -> None:
        """Passes when one of the keys made the signature of these bytes.

        Args:
            signed: the contents of SHA256SUMS.
            signature: the contents of SHA256SUMS.sig, 64 bytes.

        Raises:
            BadBundle: none of them did.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise BadBundle(
                f"{SIGNATURE_FILE} has {len(signature)} bytes; an Ed25519 signature has {SIGNATURE_BYTES}, as they are"
            )
        if not any(_is_signed(key, signed, signature) for key in self.keys):
            raise BadBundle(
                f"{SIGNATURE_FILE} is no signature of {SUMS_FILE} by a trusted key: somebody else signed the version, "
                f"or {SUMS_FILE} was altered (trusted keys: {len(self.keys)})"
            )


def _is_signed(key: Ed25519PublicKey, signed: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def read_public_keys(paths: Sequence[Path]) -> TrustedKeys | None:
    """The keys in these files, each PEM with one Ed25519 public key; None without files: anybody may publish.

    Raises:
        BadKey: a file cannot be read, or holds something else.
    """
    return TrustedKeys(tuple(_read_public_key(path) for path in paths)) if paths else None


def _read_public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise BadKey(f"the public key {path} cannot be read: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey(
            f"{path} holds no public key in PEM; make it with: openssl pkey -in PRIVATE_KEY -pubout -out {path}"
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey(f"{path} holds a key of another kind than Ed25519, which signatures here are")
    return key
