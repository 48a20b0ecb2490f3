"""Keys for tests, made by the openssl command, as publishers make theirs."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Files of a private key and its public one, PEM."""

    private: Path
    public: Path


def make_keys(folder: Path, name: str = "key", algorithm: str = "ed25519", *options: str) -> KeyPair:
    """A new pair in this folder."""
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.pub.pem")
    openssl("genpkey", "-algorithm", algorithm, *options, "-out", str(pair.private))
    openssl("pkey", "-in", str(pair.private), "-pubout", "-out", str(pair.public))
    return pair


def sign(folder: Path, pair: KeyPair) -> None:
    """Signs the version in this folder, without any of our code."""
    files = ("-in", str(folder / "SHA256SUMS"), "-out", str(folder / "SHA256SUMS.sig"))
    openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(pair.private), *files)


def openssl(*arguments: str) -> str:
    """What the command says on standard output."""
    return subprocess.run(("openssl", *arguments), check=True, capture_output=True, text=True).stdout
