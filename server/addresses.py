"""Addresses of repositories that are not folders, such as s3://bucket/prefix, and where their copies are kept."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.+")
_SECRET = re.compile(r"(?<=://)[^/@]*@")
_UNPLAIN = re.compile(r"[^a-z0-9]+")
_LONGEST_STEM = 40


def is_address(text: str) -> bool:
    """Whether this is meant as an address, and not as a folder: a scheme, '://', and what follows."""
    return _ADDRESS.fullmatch(text) is not None


def scheme(address: str) -> str:
    """What stands before '://'."""
    return address.partition("://")[0]


def shown(address: str) -> str:
    """The address for a log: without the name and the password that it may hold."""
    return _SECRET.sub("…@", address)


def copy_name(address: str) -> str:
    """Name of the folder that holds the address's copy: readable, and another one for every address."""
    digest = hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:12]
    stem = _UNPLAIN.sub("-", shown(address).lower()).strip("-")
    return f"{stem[:_LONGEST_STEM]}-{digest}"


def default_mirror(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder for copies that outlive a server: systemd's CACHE_DIRECTORY, else `audience` in the user's cache."""
    given = environment.get("CACHE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    cache = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "/")) / ".cache")
    return Path(cache) / "audience"
