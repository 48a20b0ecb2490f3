"""Certificates for tests, made by the openssl command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_DAYS = ("-days", "2")


@dataclass(frozen=True, slots=True)
class Identity:
    """A key, and the certificate that says whose it is, in PEM."""

    key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs certificates.

    Attributes:
        folder: where everything is.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        """A new one."""
        folder.mkdir(parents=True)
        _openssl("req", "-x509", *_KEY, *_DAYS, "-subj", "/CN=authority", *_files(folder / "authority"))
        return cls(folder)

    @property
    def certificate(self) -> bytes:
        """Its own certificate, in PEM."""
        return (self.folder / "authority.pem").read_bytes()

    def issue(self, name: str) -> Identity:
        """An identity of this name, also of a server on this machine."""
        path = self.folder / name
        signed_by = ("-CA", f"{self.folder / 'authority'}.pem", "-CAkey", f"{self.folder / 'authority'}.key")
        names = ("-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1")
        _openssl("req", "-x509", *_KEY, *_DAYS, "-subj", f"/CN={name}", *names, *signed_by, *_files(path))
        return Identity(path.with_suffix(".key").read_bytes(), path.with_suffix(".pem").read_bytes())


def _files(path: Path) -> tuple[str, ...]:
    return ("-keyout", f"{path}.key", "-out", f"{path}.pem")


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, capture_output=True)
