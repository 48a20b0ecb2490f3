"""Control's loop: scan the repository, ask the policy, verify, wish, and see that every worker follows."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from server.bundle import read_bundle, read_description
from server.errors import BadBundle, RepositoryUnreadable
from server.handover import Handover
from server.lifecycle import Lifecycle
from server.model import load_model
from server.overview import ModelStatus, Status
from server.policy import next_version
from server.repository import Fingerprint, Versions, scan
from server.rollout import Rollout, States, left_behind
from server.schema import Schema
from server.wish import WishedModel

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

LOOK_S = 0.1
_REST_S = 0.25  # the longest that it sleeps, so that it ends soon when it is told to

# A reason quotes the files, which may be of any size. It goes into a line of the log and onto the page.
_LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a version does not serve, and what its folder looked like then."""

    fingerprint: Fingerprint
    reason: str


@dataclass(slots=True)
class _Progress:
    """What control knows of one model."""

    found: Versions = field(default_factory=dict)
    refused: dict[int, Refusal] = field(default_factory=dict)
    described: dict[int, Fingerprint] = field(default_factory=dict)
    serving: WishedModel | None = None
    rollout: Rollout | None = None


class Loader:
    """Keeps the workers in step with the repository.

    Args:
        root: the repository.
        handover: how versions reach the workers; what it wished before is gone on from.
        lifecycle: where loads, swaps and refusals are counted.
        states: what each worker said last; None for one that is not there.
        largest_batch: the most rows that will be scored at once.
        clock_s: seconds that never go back.
    """

    def __init__(  # noqa: PLR0913  # keyword-only knobs of the process's one loader
        self,
        root: Path,
        handover: Handover,
        lifecycle: Lifecycle,
        states: Callable[[], States],
        *,
        largest_batch: int,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._handover = handover
        self._lifecycle = lifecycle
        self._states = states
        self._largest_batch = largest_batch
        self._clock_s = clock_s
        self._schemas_sequence = -1  # of the wish that has the last one
        self._wished = {wished.name: wished for wished in handover.wish.models}
        self._progress = {name: self._restored(wished) for name, wished in self._wished.items()}
        self._settled: States | None = None
        self._is_news = True  # since the workers were looked at
        self.status = Status()

    def _restored(self, wished: WishedModel) -> _Progress:
        """What a control process before this one had reached."""
        rollout = Rollout(wished.version, self._handover.wish.sequence, self._clock_s())
        states = self._states()
        if not (rollout.is_tried(states) and rollout.is_served(wished.name, states)):
            return _Progress(rollout=rollout)
        self._lifecycle.note_serving(wished.name, wished.version)
        return _Progress(serving=wished)

    def run(self, stop: threading.Event, poll_s: float) -> None:
        """Looks at the repository every `poll_s`, and while workers are awaited at them every `LOOK_S`, until `stop`.

        An unforeseen fault is logged; the loop goes on.
        """
        due_s = self._clock_s()
        while not stop.is_set():
            try:
                if self._clock_s() >= due_s:
                    due_s = self._clock_s() + poll_s
                    self.step()
                self.settle()
            except Exception:  # the edge: whatever is wrong with one version must not end the loop
                _log.exception("the loader failed; what is loaded keeps serving")
            is_awaited = any(progress.rollout for progress in self._progress.values())
            time.sleep(min(LOOK_S if is_awaited else _REST_S, poll_s))  # a third of what Event.wait costs (measured)

    def step(self) -> None:
        """Looks at the repository once, and verifies at most one version of each model."""
        try:
            found = scan(self._root)
        except RepositoryUnreadable as error:
            self._note_unreadable(str(error))
            return
        self._is_news = True
        followed = [*found, *(self._wished.keys() - found.keys())]
        self._progress = {name: self._progress.get(name, _Progress()) for name in followed}
        for name in followed:
            self._note_found(name, found.get(name, {}))
        for name in followed:
            self._follow(name)
            self._tell()
        self._tell()
        self.status = replace(self.status, unreadable=None)

    def settle(self) -> None:
        """Looks at the workers once: a version that all have tried serves, or is refused when none could load it."""
        states = self._states()
        if states is self._settled and not self._is_news:
            return
        self._settled, self._is_news = states, False
        for name, progress in self._progress.items():
            if progress.rollout is not None and progress.rollout.is_tried(states):
                self._conclude(name, progress, progress.rollout, states)
                self._remove_unwished()
        self.status = replace(self.status, models={name: self._status_of(name, states) for name in self._progress})

    def _remove_unwished(self) -> None:
        if not any(progress.rollout for progress in self._progress.values()):
            self._handover.remove_unwished()

    def _tell(self) -> None:
        """Wishes what is verified. The first time only once every model is, so that workers begin with all of them."""
        is_settled = all(self._is_settled(name) for name in self._progress)
        if is_settled or self._handover.wish.sequence:
            awaited = self._progress.keys() - self._wished.keys()
            self._handover.tell(self._wished, awaited, is_settled=is_settled)

    def _is_settled(self, name: str) -> bool:
        """Whether a version of the model is wished, or none of those on disk can be."""
        return name in self._wished or self._wanted(name) is None

    def _status_of(self, name: str, states: States) -> ModelStatus:
        progress = self._progress[name]
        serving = progress.serving.version if progress.serving else None
        return ModelStatus(
            serving=serving,
            found=tuple(sorted(progress.found)),
            refused={version: refusal.reason for version, refusal in progress.refused.items()},
            behind={} if serving is None or progress.rollout else left_behind(name, serving, states),
        )

    def _note_unreadable(self, reason: str) -> None:
        self._lifecycle.note_scan_failure()
        if self.status.unreadable is None:
            _log.error("repository unreadable; what is loaded keeps serving", extra={"reason": reason})
        self.status = replace(self.status, unreadable=reason)
        if not self._handover.wish.sequence:
            self._handover.tell({}, (), is_settled=False)  # so that the workers begin to answer

    def _note_found(self, name: str, found: Versions) -> None:
        progress = self._progress[name]
        progress.found = found
        progress.refused = {  # as they stand; one that changed is new
            version: refusal
            for version, refusal in progress.refused.items()
            if found.get(version) == refusal.fingerprint
        }
        self._lifecycle.note_model(name)

    def _follow(self, name: str) -> None:
        progress = self._progress[name]
        self._learn_schemas(name, progress)
        wanted = self._wanted(name)
        if wanted is not None and self._schemas_are_known():
            self._load(name, wanted, progress)

    def _wanted(self, name: str) -> int | None:
        progress, wished = self._progress[name], self._wished.get(name)
        refused = {version: refusal.fingerprint for version, refusal in progress.refused.items()}
        return next_version(progress.found, wished.version if wished else None, refused)

    def _learn_schemas(self, name: str, progress: _Progress) -> None:
        """Reads what each new version says of itself, since callers may follow any version's schema."""
        for version, fingerprint in progress.found.items():
            is_settled = version in progress.refused or progress.described.get(version) == fingerprint
            if is_settled or not fingerprint.is_complete:
                continue
            description = self._attempt(name, version, progress, read_description)
            if description is not None:
                progress.described[version] = fingerprint
                self._add_schema(description.schema)

    def _add_schema(self, schema: Schema) -> None:
        if self._handover.add_schema(schema):
            self._tell()
            self._schemas_sequence = self._handover.wish.sequence or -1  # held back: workers begin with it

    def _schemas_are_known(self) -> bool:
        """Whether every worker that is there knows every schema.

        Before that no version is begun with, since a caller that one worker answered by a new version may send its
        vector to another worker next.
        """
        return all(state is None or state.sequence >= self._schemas_sequence for state in self._states())

    def _load(self, name: str, version: int, progress: _Progress) -> None:
        begun_s = self._clock_s()
        wished = self._attempt(name, version, progress, self._verify)
        if wished is not None:
            self._wished = {**self._wished, name: wished}
            progress.rollout = Rollout(version, self._handover.wish.sequence + 1, begun_s)

    def _verify(self, folder: Path) -> WishedModel:
        bundle = read_bundle(folder)
        load_model(bundle, largest_batch=self._largest_batch)
        return self._handover.add_version(bundle, folder)

    def _attempt(self, name: str, version: int, progress: _Progress, read: Callable[[Path], _T]) -> _T | None:
        """What `read` makes of the version's folder; None when that fails, and the version is refused."""
        try:
            return read(self._root / name / str(version))
        except BadBundle as error:
            reason = str(error)
        except Exception:  # the edge: a hostile file may fail in ways that no library documents
            _log.exception("unforeseen fault while loading", extra={"model": name, "version": version})
            reason = "unforeseen fault while loading; the log has its traceback"
        self._refuse(name, version, progress, reason[:_LONGEST_REASON])
        return None

    def _refuse(self, name: str, version: int, progress: _Progress, reason: str) -> None:
        progress.refused[version] = Refusal(progress.found[version], reason)
        self._lifecycle.note_refusal(name)
        still_serving = progress.serving.version if progress.serving else None
        extra = {"model": name, "version": version, "reason": reason, "still_serving": still_serving}
        _log.error("version refused", extra=extra)

    def _conclude(self, name: str, progress: _Progress, rollout: Rollout, states: States) -> None:
        """Ends a rollout that every worker has tried."""
        progress.rollout = None
        behind = left_behind(name, rollout.version, states)
        if not rollout.is_served(name, states):
            self._take_back(name, progress, rollout.version, behind)
            return
        if behind:
            extra = {"model": name, "version": rollout.version, "reasons": behind}
            _log.error("some workers cannot load a version; they serve what they had", extra=extra)
        replaced, load_s = progress.serving, self._clock_s() - rollout.begun_s
        progress.serving = self._wished[name]
        self._lifecycle.note_version(name, rollout.version, load_ns=round(load_s * 1e9), is_swap=replaced is not None)
        replaces = replaced.version if replaced else None
        extra = {"model": name, "version": rollout.version, "replaces": replaces, "load_ms": round(load_s * 1e3, 1)}
        _log.info("version serves", extra=extra)

    def _take_back(self, name: str, progress: _Progress, version: int, behind: Mapping[int, str]) -> None:
        """Refuses a version that no worker could load, and wishes the one before again."""
        self._wished = {one: wished for one, wished in self._wished.items() if one != name}
        if progress.serving is not None:
            self._wished[name] = progress.serving
        if version in progress.found:
            self._refuse(name, version, progress, next(iter(behind.values()), "no worker is there")[:_LONGEST_REASON])
        self._tell()
