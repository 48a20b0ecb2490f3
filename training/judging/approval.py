"""Who agreed to a version: <repository>/<model>/approvals/<version>.json, beside the version, which never changes.

What is approved is the hash of the version's SHA256SUMS, and so every byte of it. An approval can be signed by its
author's Ed25519 key; without that, whoever can write the repository can write approvals too.
"""

import base64
import binascii
import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from server.bundle import SUMS_FILE, read_bundle
from server.errors import BadBundle
from server.signature import TrustedKeys
from training.errors import NotTrained
from training.judging.order import ApprovalOrder
from training.signature import SigningKey

FOLDER: Final = "approvals"
FORMAT: Final = 1
LARGEST_BYTES: Final = 1 << 20
_LONGEST_NAME = 200
_LONGEST_NOTE = 4000
_SIGNED = "audience-approval-1"


class NotApproved(NotTrained):
    """Nobody agreed, or nobody can: the text says who should, or what is wrong."""


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

    def signed(self, key: SigningKey) -> "Approval":
        """The same with its author's signature."""
        return replace(self, signature=base64.b64encode(key.sign(self.text)).decode("ascii"))

    def is_signed_by(self, keys: TrustedKeys) -> bool:
        """Whether one of these keys made the signature."""
        try:
            keys.check(self.text, base64.b64decode(self.signature, validate=True))
        except (BadBundle, binascii.Error):
            return False
        return True


def approval_path(repository: Path, model: str, version: int) -> Path:
    """Where a version's approvals are."""
    return repository / model / FOLDER / f"{version}.json"


def record(  # noqa: PLR0913  # what is approved, by whom, when and why
    repository: Path, model: str, version: int, *, by: str, at_ms: int, note: str = "", key: SigningKey | None = None
) -> Approval:
    """Writes down that somebody agrees, after a check that the version is whole; who agreed before is replaced.

    Args:
        repository: a folder.
        model: name of the model.
        version: its number.
        by: who agrees; one of those whom the version names, where it names any.
        at_ms: when.
        note: why.
        key: whose signature the approval gets; None for none.

    Raises:
        NotApproved: the version is not there or damaged, a gate does not hold, the name is not one that may, or the
            file cannot be written.
    """
    evaluation, sums = _version(repository / model / str(version))
    _check_may(by, note, evaluation, f"{model}/{version}")
    approval = Approval(model=model, version=version, sums_sha256=sums, by=by, at_ms=at_ms, note=note)
    if key is not None:
        approval = approval.signed(key)
    path = approval_path(repository, model, version)
    try:
        path.parent.mkdir(exist_ok=True)
        with _alone(path.parent):
            others = [one for one in read_approvals(repository, model, version) if one.by != by]
            _replace(path, [*others, approval])
    except OSError as error:
        raise NotApproved(f"{path} cannot be written: {error.strerror}") from error
    return approval


def _version(folder: Path) -> tuple[Mapping[str, Any], str]:
    """A whole version's evaluation, and the hash of its list of hashes."""
    if not folder.is_dir():
        raise NotApproved(f"{folder} is not there: nothing can be approved")
    try:
        read_bundle(folder)
        evaluation = json.loads((folder / "evaluation.json").read_bytes())
        return evaluation, hashlib.sha256((folder / SUMS_FILE).read_bytes()).hexdigest()
    except (BadBundle, ValueError, OSError) as error:
        raise NotApproved(f"{folder} cannot be approved: {error}") from error


def _check_may(by: str, note: str, evaluation: Mapping[str, Any], place: str) -> None:
    if not by.strip() or len(by) > _LONGEST_NAME or not by.isprintable():
        raise NotApproved(f"{by!r} is no name; needed is that of a person, of at most {_LONGEST_NAME} characters")
    if len(note) > _LONGEST_NOTE:
        raise NotApproved(f"the note has {len(note):,} characters; at most {_LONGEST_NOTE:,} are kept")
    people = (evaluation.get("approval") or {}).get("people") or []
    if people and by not in people:
        raise NotApproved(f"{by} may not approve {place}; {', '.join(people)} may")
    failed = [f"{gate['gate']} of {gate['head']}" for gate in evaluation.get("gates") or [] if not gate["holds"]]
    if failed:
        raise NotApproved(f"{place} cannot be approved: these gates do not hold: {', '.join(failed)}")


def read_approvals(repository: Path, model: str, version: int) -> list[Approval]:
    """Who agreed to a version, oldest first; nobody where there is no file.

    Raises:
        NotApproved: the file cannot be read, or is something else.
    """
    path = approval_path(repository, model, version)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise NotApproved(f"{path} cannot be read: {error.strerror}") from error
    try:
        content = json.loads(data)
        if content["format"] != FORMAT:
            raise NotApproved(f"{path} has format {content['format']!r}; known is {FORMAT}")
        return [_checked(Approval(**one)) for one in content["approvals"]]
    except (ValueError, TypeError, KeyError) as error:
        raise NotApproved(f"{path} holds no approvals: {error}") from error


def _checked(approval: Approval) -> Approval:
    for name, kind in Approval.__annotations__.items():
        if type(getattr(approval, name)) is not kind:
            raise ValueError(f"{name} is {getattr(approval, name)!r}")
    return approval


def check_approval(  # noqa: PLR0913, PLR0917  # which version, for what, by whose word
    repository: Path,
    model: str,
    version: int,
    label: str,
    order: ApprovalOrder,
    keys: TrustedKeys | None = None,
) -> Approval | None:
    """The approval by which the version may take the label, None where none is needed.

    Args:
        repository: a folder.
        model: name of the model.
        version: its number.
        label: that it is to take.
        order: what is required.
        keys: of those whose signatures count; None where none is asked for.

    Raises:
        NotApproved: nobody agreed to what the version is now, or nobody who may.
    """
    if not order.required or (order.labels and label not in order.labels):
        return None
    path = repository / model / str(version) / SUMS_FILE
    try:
        sums = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise NotApproved(f"{path} cannot be read: {error.strerror}") from error
    reasons = []
    for approval in read_approvals(repository, model, version):
        reason = _objection(approval, (model, version, sums), order, keys)
        if reason is None:
            return approval
        reasons.append(f"that of {approval.by} does not count: {reason}")
    who = ", ".join(order.people) or "a named person"
    why = "; ".join(reasons) or "nobody has"
    raise NotApproved(f"{model}/{version} may be called {label} only when {who} approved it; {why}")


def _objection(
    approval: Approval, what: tuple[str, int, str], order: ApprovalOrder, keys: TrustedKeys | None
) -> str | None:
    """Why it does not count, None when it does."""
    if (approval.model, approval.version, approval.sums_sha256) != what:
        return "it is of other files"
    if order.people and approval.by not in order.people:
        return "they are not among those who may"
    if keys is not None and not approval.is_signed_by(keys):
        return "no trusted key signed it"
    return None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: what two people add at once is added one after the other."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(path: Path, approvals: Sequence[Approval]) -> None:
    """Puts the file in place by one atomic rename, on disk before it has the name."""
    content = json.dumps({"format": FORMAT, "approvals": [asdict(one) for one in approvals]}, indent=2)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{content}\n")
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
