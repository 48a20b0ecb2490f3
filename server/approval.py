"""Who agreed to a version: <repository>/<model>/approvals/<version>.json, beside the version, which never changes.

What is approved is the hash of the version's SHA256SUMS, and so every byte of it. An approval can be signed by its
author's Ed25519 key; without that, whoever can write the repository can write approvals too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import shlex
import stat
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from server.bundle import SUMS_FILE, largest_bytes
from server.errors import AudienceError, BadBundle
from server.policy import is_label
from server.traffic import STABLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from protos.audience.v1 import bundle_pb2
    from server.signature import TrustedKeys

FOLDER: Final = "approvals"
FORMAT: Final = 1
LARGEST_BYTES: Final = 1 << 20
_SIGNED = "audience-approval-1"

Looks = tuple[int, int, int]


class BadApprovals(AudienceError):
    """The file of approvals cannot be read, or holds something else: it lets nothing through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """That somebody agreed to a version.

    Attributes:
        model: of the version.
        version: its number.
        sums_sha256: SHA-256 of the version's SHA256SUMS, in hex.
        by: who agreed.
        at_ms: when.
        note: why, or on what condition; may be empty.
        signature: of `text` by the author's key, base64; empty for none.
    """

    model: str
    version: int
    sums_sha256: str
    by: str
    at_ms: int
    note: str = ""
    signature: str = ""

    @property
    def text(self) -> bytes:
        """What is signed: lines of what is approved and by whom; none of them can hold a line feed."""
        parts = (_SIGNED, self.model, self.version, self.sums_sha256, self.by, self.at_ms, json.dumps(self.note))
        return "".join(f"{part}\n" for part in parts).encode()

    def is_signed_by(self, keys: TrustedKeys) -> bool:
        """Whether one of these keys made the signature."""
        try:
            keys.check(self.text, base64.b64decode(self.signature, validate=True))
        except (BadBundle, binascii.Error):
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """Who has to agree before a version takes a label.

    Attributes:
        model: of the version.
        version: its number.
        sums_sha256: of what it is now; empty where its files are gone, so that nothing is an approval of them.
        labels: that it is needed for; none for all.
        people: who may; none for anybody with a name.
    """

    model: str
    version: int
    sums_sha256: str
    labels: tuple[str, ...] = ()
    people: tuple[str, ...] = ()

    @classmethod
    def of(cls, manifest: bundle_pb2.Manifest, sums_sha256: str) -> Required | None:
        """What the manifest asks for; None for nothing.

        Raises:
            BadBundle: one of its labels is none.
        """
        approvals = manifest.approvals
        for label in approvals.labels:
            if not is_label(label):
                raise BadBundle(f"an approval is asked for the label {label[:80]!r}, which no version can have")
        if not approvals.required:
            return None
        return cls(
            model=manifest.model,
            version=manifest.version,
            sums_sha256=sums_sha256,
            labels=tuple(approvals.labels),
            people=tuple(approvals.people),
        )

    def covers(self, label: str) -> bool:
        """Whether it is needed for the label; "" is that of those who ask for none, who get what "stable" is."""
        return not self.labels or (label or STABLE) in self.labels

    def counting(self, approvals: Sequence[Approval], keys: TrustedKeys | None = None) -> Approval | None:
        """The first approval that counts; None when none does.

        Args:
            approvals: of the version.
            keys: of those whose signatures count; None where none is asked for.
        """
        return next((one for one in approvals if self._objection(one, keys) is None), None)

    def lack(self, approvals: Sequence[Approval], keys: TrustedKeys | None = None) -> str:
        """Who should approve it, and why none of these approvals counts; to stand after "version 2"."""
        reasons = [f"that of {one.by} does not count: {self._objection(one, keys)}" for one in approvals]
        return f"{self._terms(keys)}; {'; '.join(reasons) or 'nobody has'}"

    def _terms(self, keys: TrustedKeys | None) -> str:
        labels = " or ".join(map(repr, self.labels))
        who = " or ".join(self.people) or "a named person"
        when = f"{who} approved it{'' if keys is None else ', signed by a trusted key'}"
        return f"takes the label {labels} only when {when}" if labels else f"takes no label before {when}"

    @property
    def command(self) -> str:
        """How somebody approves it."""
        by = shlex.quote(self.people[0]) if self.people else "NAME"
        return f"python -m training approve --repository DIR --model {self.model} --version {self.version} --by {by}"

    def _objection(self, approval: Approval, keys: TrustedKeys | None) -> str | None:
        """Why it does not count, None when it does."""
        what = (approval.model, approval.version, approval.sums_sha256)
        if what != (self.model, self.version, self.sums_sha256):
            return "it is of other files"
        if self.people and approval.by not in self.people:
            return "they are not among those who may"
        if keys is not None and not approval.is_signed_by(keys):
            return "no trusted key signed it"
        return None


@dataclass(frozen=True, slots=True)
class Consent:
    """A version that has to be approved, and whether it is, as its file was last read.

    Attributes:
        required: what it asks for.
        by: whose approval counts; None while nobody's does.
        lack: why none does, as Required.lack has it; empty when one does.
        looks: what the file looked like; None where there was none, or it could not be read.
        is_read: whether it was looked at.
    """

    required: Required
    by: str | None = None
    lack: str = ""
    looks: Looks | None = None
    is_read: bool = False

    def looked_at(self, path: Path, keys: TrustedKeys | None = None) -> Consent:
        """This one while the file stays as it is, otherwise what is there now.

        A file that went with the model's whole folder counts as being there still.
        """
        try:
            looks = _looks(path)
            if looks is not None and looks == self.looks:
                return self
            if looks is None and self.by is not None and not path.parent.parent.is_dir():
                return self
            approvals = [] if looks is None else read_approvals(path)
        except BadApprovals as error:
            return Consent(self.required, lack=f"{self.required.lack([], keys)} that is known: {error}", is_read=True)
        found = self.required.counting(approvals, keys)
        if found is None:
            return Consent(self.required, lack=self.required.lack(approvals, keys), looks=looks, is_read=True)
        return Consent(self.required, found.by, looks=looks, is_read=True)


def approval_path(repository: Path, model: str, version: int) -> Path:
    """Where a version's approvals are."""
    return repository / approval_name(model, version)


def approval_name(model: str, version: int) -> str:
    """Where a version's approvals are, from the repository's root."""
    return f"{model}/{FOLDER}/{version}.json"


def sums_sha256(folder: Path) -> str:
    """The SHA-256 of the SHA256SUMS of the version in the folder, in hex.

    Raises:
        BadBundle: it cannot be read.
    """
    try:
        with (folder / SUMS_FILE).open("rb") as file:
            return hashlib.sha256(file.read(largest_bytes(SUMS_FILE))).hexdigest()
    except OSError as error:
        raise BadBundle(f"{SUMS_FILE} cannot be read: {error.strerror}") from error


def _looks(path: Path) -> Looks | None:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise BadApprovals(f"{FOLDER}/{path.name} is not a plain file")
    return status.st_ino, status.st_mtime_ns, status.st_size


def read_approvals(path: Path) -> list[Approval]:
    """Who agreed to a version, in the file's order; nobody where there is no file.

    Raises:
        BadApprovals: the file cannot be read, or is something else.
    """
    try:
        with path.open("rb") as file:
            return parse_approvals(file.read(LARGEST_BYTES + 1), f"{FOLDER}/{path.name}")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(path, error) from error


def parse_approvals(data: bytes, place: str) -> list[Approval]:
    """The approvals in a file's bytes; `place` is its name in errors.

    Raises:
        BadApprovals: it holds something else.
    """
    if len(data) > LARGEST_BYTES:
        raise BadApprovals(f"{place} has more than {LARGEST_BYTES:,} bytes")
    try:
        content = json.loads(data)
        if content["format"] != FORMAT:
            raise BadApprovals(f"{place} has format {content['format']!r}; known is {FORMAT}")
        return [_checked(Approval(**one)) for one in content["approvals"]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadApprovals(f"{place} holds no approvals: {error}") from error


def _checked(approval: Approval) -> Approval:
    for field in fields(approval):
        value = getattr(approval, field.name)
        if type(value) is not (int if field.name in {"version", "at_ms"} else str):
            raise ValueError(f"{field.name} is {value!r}")
    if not approval.by.isprintable():
        raise ValueError(f"by is {approval.by!r}")
    approval.text  # noqa: B018  # raises where a text is none that can be signed
    return approval


def _unreadable(path: Path, error: OSError) -> BadApprovals:
    return BadApprovals(f"{FOLDER}/{path.name} cannot be read: {error.strerror}")
