"""Approves versions: who agreed, beside the version, as server/approval.py reads it."""

import contextlib
import fcntl
import json
import os
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from server.approval import (
    FORMAT,
    LARGEST_BYTES,
    Approval,
    BadApprovals,
    Required,
    approval_name,
    approval_path,
    parse_approvals,
    sums_sha256,
)
from server.approval import read_approvals as read_file
from server.bundle import EVALUATION_FILE, read_bundle
from server.catalogue import Key, read_catalogue
from server.download import fetch
from server.errors import BadBundle, RepositoryUnreadable
from server.remote import AlreadyThere, Remote
from server.signature import TrustedKeys
from training.errors import NotTrained
from training.judging.order import ApprovalOrder
from training.signature import SigningKey

_LONGEST_NAME = 200
_LONGEST_NOTE = 4000


class NotApproved(NotTrained):
    """Nobody agreed, or nobody can: the text says who should, or what is wrong."""


def record(  # noqa: PLR0913  # what is approved, by whom, when and why
    repository: Path | str,
    model: str,
    version: int,
    *,
    by: str,
    at_ms: int,
    note: str = "",
    key: SigningKey | None = None,
) -> Approval:
    """Writes down that somebody agrees, after a check that the version is whole; what they said before is replaced.

    Args:
        repository: a folder, or an address.
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
    remote = None
    try:
        if isinstance(repository, str):
            remote = Remote.connect(repository)
            with _copied(remote, model, version) as folder:
                approval = _approval(folder, model, version, by=by, at_ms=at_ms, note=note, key=key)
            _add_remote(remote, approval)
        else:
            approval = _approval(repository, model, version, by=by, at_ms=at_ms, note=note, key=key)
            _add(repository, approval)
    except (BadApprovals, RepositoryUnreadable) as error:
        raise NotApproved(f"{model}/{version} cannot be approved: {error}") from error
    return approval


def _approval(  # noqa: PLR0913  # as `record`
    repository: Path, model: str, version: int, *, by: str, at_ms: int, note: str, key: SigningKey | None
) -> Approval:
    evaluation, people, sums = _version(repository / model / str(version))
    _check_may(by, note, evaluation, people, f"{model}/{version}")
    approval = Approval(model=model, version=version, sums_sha256=sums, by=by, at_ms=at_ms, note=note)
    return approval if key is None else signed(approval, key)


def signed(approval: Approval, key: SigningKey) -> Approval:
    """The same with its author's signature."""
    return replace(approval, signature=b64encode(key.sign(approval.text)).decode("ascii"))


def _add(repository: Path, approval: Approval) -> None:
    path = approval_path(repository, approval.model, approval.version)
    try:
        path.parent.mkdir(exist_ok=True)
        with _alone(path.parent):
            _replace(path, _with(approval, read_file(path)))
    except OSError as error:
        raise NotApproved(f"{path} cannot be written: {error.strerror}") from error


def _with(approval: Approval, others: Sequence[Approval]) -> bytes:
    """The file with one more."""
    approvals = [*(one for one in others if one.by != approval.by), approval]
    content = json.dumps({"format": FORMAT, "approvals": [asdict(one) for one in approvals]}, indent=2)
    return f"{content}\n".encode()


@contextmanager
def _copied(remote: Remote, model: str, version: int) -> Iterator[Path]:
    """A folder, until the end, that has the version as it is at the address."""
    key = Key(model, version)
    found = read_catalogue(remote.files()).versions.get(key)
    if found is None:
        raise NotApproved(f"{remote.address}/{key} is not there: nothing can be approved")
    with tempfile.TemporaryDirectory(prefix="audience-") as name:
        try:
            fetch(remote, key, found, Path(name))
        except BadBundle as error:
            raise NotApproved(f"{remote.address}/{key} cannot be approved: {error}") from error
        except OSError as error:
            raise NotApproved(f"{remote.address}/{key} cannot be copied: {error.strerror}") from error
        yield Path(name)


def _add_remote(remote: Remote, approval: Approval) -> None:
    """Of two first approvals at once both are kept; where there is a file, the later of two replaces the other."""
    name = approval_name(approval.model, approval.version)
    if name not in remote.files():
        with contextlib.suppress(AlreadyThere):  # somebody else approves at this moment
            remote.create(name, _with(approval, []))
            return
    others = parse_approvals(remote.read(name, LARGEST_BYTES), f"{remote.address}/{name}")
    remote.replace(name, _with(approval, others))


def _version(folder: Path) -> tuple[Mapping[str, Any], Sequence[str], str]:
    """A whole version's evaluation, who may approve it, and the hash of its list of hashes."""
    if not folder.is_dir():
        raise NotApproved(f"{folder} is not there: nothing can be approved")
    try:
        manifest = read_bundle(folder).description.manifest
        evaluation = json.loads((folder / EVALUATION_FILE).read_bytes())
        people = manifest.approvals.people or (evaluation.get("approval") or {}).get("people") or ()
        return evaluation, people, sums_sha256(folder)
    except (BadBundle, ValueError, OSError) as error:
        raise NotApproved(f"{folder.parent.name}/{folder.name} cannot be approved: {error}") from error


def _check_may(by: str, note: str, evaluation: Mapping[str, Any], people: Sequence[str], place: str) -> None:
    if not by.strip() or len(by) > _LONGEST_NAME or not by.isprintable():
        raise NotApproved(f"{by!r} is no name; needed is that of a person, of at most {_LONGEST_NAME} characters")
    if len(note) > _LONGEST_NOTE:
        raise NotApproved(f"the note has {len(note):,} characters; at most {_LONGEST_NOTE:,} are kept")
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
    try:
        return read_file(approval_path(repository, model, version))
    except BadApprovals as error:
        raise NotApproved(f"{model}/{version}: {error}") from error


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
    try:
        sums = sums_sha256(repository / model / str(version))
    except BadBundle as error:
        raise NotApproved(f"{repository / model / str(version)}: {error}") from error
    required = Required(model=model, version=version, sums_sha256=sums, labels=order.labels, people=order.people)
    if not order.required or not required.covers(label):
        return None
    approvals = read_approvals(repository, model, version)
    found = required.counting(approvals, keys)
    if found is None:
        raise NotApproved(f"{model}/{version} {required.lack(approvals, keys)}")
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: what two people add at once is added one after the other."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(path: Path, content: bytes) -> None:
    """Puts the file in place by one atomic rename, on disk before it has the name."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
