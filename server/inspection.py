"""What the repository says of a model: its policy, its versions, who approved them. Noted in its Progress."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from server.approval import Required, approval_path, sums_sha256
from server.bundle import read_description
from server.errors import BadBundle, BadPolicy
from server.lifecycle import Lifecycle
from server.progress import Progress, Refusal
from server.repository import POLICY_FILE
from server.schema import Schema
from server.signature import TrustedKeys

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

# A reason quotes the files, which may be of any size. It goes into a line of the log and onto the page.
_LONGEST_REASON = 1000


class Reading(Protocol):
    """Who reads a version's folder."""

    def __call__(self, read: Callable[[Path], _T], folder: Path, /) -> _T:
        """What `read` makes of it; raises what that raises."""
        ...


class Inspection:
    """Reads what is in the repository beside the models' graphs.

    Args:
        root: the repository.
        lifecycle: where refusals are counted.
        reading: reads a version's folder, as it is told.
        keys: whose versions may serve; None: anybody's.
        approvers: whose signatures of approvals count; None: approvals need none.
    """

    def __init__(
        self,
        root: Path,
        lifecycle: Lifecycle,
        reading: Reading,
        keys: TrustedKeys | None,
        approvers: TrustedKeys | None,
    ) -> None:
        self._root, self._lifecycle, self._reading = root, lifecycle, reading
        self._keys, self._approvers = keys, approvers

    def read_policy(self, name: str, progress: Progress) -> None:
        """Reads the policy when its file is another; one that cannot be read changes nothing."""
        try:
            progress.policy = progress.policy.looked_at(self._root / name / POLICY_FILE)
            progress.is_policy_known, reason = True, None
        except BadPolicy as error:
            reason = str(error)[:_LONGEST_REASON]
        if reason is not None and reason != progress.bad_policy:
            _log.error("policy refused; the one before stays", extra={"model": name, "reason": reason})
        progress.bad_policy = reason

    def new_schemas(self, name: str, progress: Progress) -> Iterator[Schema]:
        """Reads what each new version says of itself; its features, since callers may follow any version's schema."""
        for version, fingerprint in progress.found.items():
            is_settled = version in progress.refused or progress.described.get(version) == fingerprint
            if is_settled or not fingerprint.is_complete:
                continue
            read = self.attempt(name, version, progress, self._read_facts)
            if read is not None:
                schema, required = read
                progress.described[version] = fingerprint
                progress.schemas[version] = schema
                progress.learn(version, required)
                yield schema

    def _read_facts(self, folder: Path) -> tuple[Schema, Required | None]:
        """What a version's features are, and who has to approve it."""
        description = read_description(folder, keys=self._keys)
        return description.schema, Required.of(description.manifest, sums_sha256(folder))

    def look_at_approvals(self, name: str, progress: Progress) -> None:
        """Reads each file of approvals that is another; what is said of one version moves no label of another."""
        for version, before in progress.consents.items():
            consent = before.looked_at(approval_path(self._root, name, version), self._approvers)
            progress.consents[version] = consent
            if consent.lack and (consent.lack != before.lack or not before.is_read):
                extra = {"model": name, "version": version, "reason": f"it {consent.lack}"[:_LONGEST_REASON]}
                _log.warning("version waits for approval", extra=extra)
            elif consent.by and before.is_read and consent.by != before.by:
                _log.info("version approved", extra={"model": name, "version": version, "by": consent.by})

    def attempt(self, name: str, version: int, progress: Progress, read: Callable[[Path], _T]) -> _T | None:
        """What `read` makes of the version's folder; None when that fails, and the version is refused."""
        try:
            return self._reading(read, self._root / name / str(version))
        except BadBundle as error:
            reason = str(error)
        except Exception:  # the edge: a hostile file may fail in ways that no library documents
            _log.exception("unforeseen fault while loading", extra={"model": name, "version": version})
            reason = "unforeseen fault while loading; the log has its traceback"
        self.refuse(name, version, progress, reason)
        return None

    def refuse(self, name: str, version: int, progress: Progress, reason: str) -> None:
        """Notes that the version does not serve, as its folder is now, and why."""
        reason = reason[:_LONGEST_REASON]
        progress.refused[version] = Refusal(progress.found[version], reason)
        self._lifecycle.note_refusal(name)
        extra = {"model": name, "version": version, "reason": reason, "still_serving": progress.serving}
        _log.error("version refused", extra=extra)
