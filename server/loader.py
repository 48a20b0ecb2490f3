"""Control's loop: scan the repository, ask the policy, verify, wish, and see that every worker follows."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from server.approval import Required
from server.aside import Do, at_once
from server.bundle import read_bundle
from server.errors import BadBundle, RepositoryUnreadable
from server.handover import Handover, read_manifest
from server.inspection import Inspection
from server.lifecycle import Lifecycle
from server.memory import give_back
from server.model import load_model
from server.overview import Status
from server.priority import Pauses
from server.progress import Progress
from server.repository import Sight, Versions, look
from server.rollout import Rollout, States, is_loaded, is_served, missing
from server.schema import Schema
from server.signature import TrustedKeys
from server.traffic import Route
from server.wish import WishedModel

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

LOOK_S = 0.1
_PATIENCE_S = 30.0  # for workers that do not come to try a version, after which the next is begun with anyway
_REST_S = 0.25  # the longest that it sleeps, so that it ends soon when it is told to, and sees who comes late


class Loader:
    """Keeps the workers in step with the repository.

    Args:
        root: the repository.
        handover: how versions reach the workers; what it wished before is gone on from.
        lifecycle: where loads, swaps and refusals are counted.
        states: what each worker said last; None for one that is not there.
        do: does what it is given, here or elsewhere: it reads and verifies versions while others serve (server.aside).
        keys: whose versions may serve; None: anybody's.
        approvers: whose signatures of approvals count; None: approvals need none.
        clock_s: seconds that never go back.
    """

    def __init__(  # noqa: PLR0913  # keyword-only knobs of the process's one loader
        self,
        root: Path,
        handover: Handover,
        lifecycle: Lifecycle,
        states: Callable[[], States],
        *,
        do: Do = at_once,
        keys: TrustedKeys | None = None,
        approvers: TrustedKeys | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._inspection = Inspection(root, lifecycle, self._read, keys, approvers)
        self._handover = handover
        self._lifecycle = lifecycle
        self._states = states
        self._do = do
        self._keys = keys
        self._clock_s = clock_s
        self._schemas_sequence = -1  # of the wish that has the last one
        self._progress: dict[str, Progress] = {}
        for wished in handover.wish.models:
            self._progress.setdefault(wished.name, Progress()).wished[wished.version] = wished
        for name, progress in self._progress.items():
            self._restore(name, progress)
        self._pauses = Pauses()
        self._look_soon = threading.Event()
        self._settled: States | None = None
        self._is_news = True  # since the workers were looked at
        self._looks = 0
        self._done: Sight | None = None  # the last look's, when it left nothing to do
        self.status = Status()

    def _restore(self, name: str, progress: Progress) -> None:
        """Goes on from what a control process before this one had reached."""
        wish, states = self._handover.wish, self._states()
        progress.route, progress.is_begun = wish.routes.get(name, Route()), True
        progress.is_policy_known = False
        for version, wished in progress.wished.items():
            with contextlib.suppress(OSError, BadBundle):  # the workers, who need it, could not read it either
                progress.learn(version, Required.of(read_manifest(wished), ""))  # its own files may be gone
        rollout = Rollout(wish.sequence, self._clock_s(), frozenset(progress.wished))
        if rollout.is_tried(states) and is_served(name, progress.route.default, states):
            progress.serving, progress.reached = progress.route.default, progress.route.targets
            self._lifecycle.note_serving(name, progress.serving)
        else:
            progress.rollout = rollout

    def run(self, stop: threading.Event, poll_s: float) -> None:
        """Looks at the repository every `poll_s`, and while workers are awaited at them every `LOOK_S`, until `stop`.

        An unforeseen fault is logged; the loop goes on.
        """
        due_s = self._clock_s()
        while not stop.is_set():
            try:
                if self._clock_s() >= due_s or self._look_soon.is_set():
                    self._look_soon.clear()
                    due_s = self._clock_s() + poll_s
                    self.step()
                self.settle()
            except Exception:  # the edge: whatever is wrong with one version must not end the loop
                _log.exception("the loader failed; what is loaded keeps serving")
            is_awaited = self._look_soon.is_set() or any(map(self._is_busy, self._progress.values()))
            time.sleep(min(LOOK_S if is_awaited else _REST_S, poll_s))  # a third of what Event.wait costs (measured)

    def look_soon(self) -> None:
        """Has the loop look at the repository before it is due. From any thread."""
        self._look_soon.set()

    def step(self) -> None:
        """Looks at the repository once, and verifies at most one version of each model."""
        self._looks += 1
        try:
            sight = look(self._root)
        except RepositoryUnreadable as error:
            self._note_unreadable(str(error))
            return
        if sight == self._done:  # nearly always
            self.status = replace(self.status, looks=self._looks)
            return
        sequence = self._handover.wish.sequence
        self._done, self._is_news = None, True
        self._pauses.take()
        self._follow_all(sight.models)
        self.status = replace(self.status, unreadable=None)
        is_busy = any(one.rollout or one.wanted.load is not None for one in self._progress.values())
        if not is_busy and sequence == self._handover.wish.sequence:
            self._done = sight

    def _follow_all(self, found: Mapping[str, Versions]) -> None:
        kept = [name for name, progress in self._progress.items() if progress.wished]
        followed = list(dict.fromkeys([*found, *kept]))
        self._progress = {name: self._progress.get(name, Progress()) for name in followed}
        for name in followed:
            self._progress[name].look_at(found.get(name, {}))
            self._lifecycle.note_model(name)
        for name in followed:
            self._follow(name)
            self._pauses.take()
            self._tell()
            self._pauses.take()
        self._tell()

    def settle(self) -> None:
        """Looks at the workers once: a version that all have tried serves, or is refused when none could load it."""
        states = self._states()
        if states is self._settled and not self._is_news:
            return
        if states != self._settled:
            self._done = None
        self._settled, self._is_news = states, False
        self._pauses.take()
        for name, progress in self._progress.items():
            if progress.rollout is not None and progress.rollout.is_tried(states):
                self._conclude(name, progress, progress.rollout, states)
                self._pauses.take()
        self._tell()
        self._pauses.take()
        if not any(progress.rollout for progress in self._progress.values()) and self._is_followed(states):
            self._handover.remove_unwished([one for known in self._progress.values() for one in known.wished.values()])
        self._pauses.take()
        self.status = replace(
            self.status,
            models={name: progress.status(name, states) for name, progress in self._progress.items()},
            traffic={
                name: progress.traffic(name, states, is_followed=self._is_followed(states))
                for name, progress in self._progress.items()
            },
            looks=self._looks,
        )

    @property
    def _next_sequence(self) -> int:
        """Of the next wish."""
        return self._handover.wish.sequence + 1

    def _is_followed(self, states: States) -> bool:
        """Whether every worker has tried the last wish."""
        return Rollout(self._handover.wish.sequence, 0.0, frozenset()).is_tried(states)

    def _tell(self) -> None:
        """Wishes what is verified. The first time only once every model is, so that workers begin with all of them."""
        progress = self._progress
        is_settled = all(one.is_begun or one.wanted.load is None for one in progress.values())
        if not is_settled and not self._handover.wish.sequence:
            return
        begun = {name: one for name, one in progress.items() if one.is_begun and one.wished}
        self._handover.tell(
            [wished for one in begun.values() for _, wished in sorted(one.wished.items())],
            {name: one.route for name, one in begun.items()},
            progress.keys() - begun.keys(),
            is_settled=is_settled,
        )

    def _note_unreadable(self, reason: str) -> None:
        self._done, self._is_news = None, True
        self._lifecycle.note_scan_failure()
        is_news = self.status.unreadable is None
        self.status = replace(self.status, unreadable=reason)
        if is_news:
            _log.error("repository unreadable; what is loaded keeps serving", extra={"reason": reason})
        if not self._handover.wish.sequence:
            self._handover.tell((), {}, (), is_settled=False)  # so that the workers begin to answer

    def _follow(self, name: str) -> None:
        progress = self._progress[name]
        self._inspection.read_policy(name, progress)
        if not self._is_busy(progress):  # what workers load would take as long again beside it
            for schema in self._inspection.new_schemas(name, progress):
                self._add_schema(schema)
        self._inspection.look_at_approvals(name, progress)
        self._pauses.take()
        if progress.is_policy_known and progress.policy.content.unloaded:
            progress.unload()
            return
        if not progress.is_policy_known:
            return
        version = progress.wanted.load
        if version is not None and self._schemas_are_known() and not self._is_busy(progress):
            self._load(name, version, progress)
        if progress.wished and not progress.is_begun and progress.can_begin:
            progress.is_begun = True
            progress.expect(self._next_sequence, progress.begun_s, *progress.wished)
        progress.lead(name, self._next_sequence, self._clock_s())

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

    def _is_busy(self, progress: Progress) -> bool:
        """Whether workers still try what came before.

        Another version meanwhile would begin their trial anew: publish often enough, and none would ever serve.
        """
        rollout = progress.rollout
        return rollout is not None and self._clock_s() < rollout.begun_s + _PATIENCE_S

    def _load(self, name: str, version: int, progress: Progress) -> None:
        begun_s = self._clock_s()
        wished = self._inspection.attempt(name, version, progress, self._verify)
        if wished is None:
            return
        progress.wished = {**progress.wished, version: wished}
        if progress.is_begun:
            progress.expect(self._next_sequence, begun_s, version)
        else:
            progress.begun_s = min(begun_s, progress.begun_s)

    def _read(self, read: Callable[[Path], _T], folder: Path) -> _T:
        """What `read` makes of a version's folder; where others are answered meanwhile, in the time that they leave."""
        do = self._do if self._handover.wish.models else at_once
        return do(lambda: read(folder))

    def _verify(self, folder: Path) -> WishedModel:
        try:
            return self._hand_over(folder)
        finally:
            give_back()  # what that took, here too, since it takes as long as some requests

    def _hand_over(self, folder: Path) -> WishedModel:
        bundle = read_bundle(folder, self._keys)
        load_model(bundle, largest_batch=1)  # workers, who will score more at once, try every size
        return self._handover.add_version(bundle, folder)

    def _conclude(self, name: str, progress: Progress, rollout: Rollout, states: States) -> None:
        """Ends a rollout that every worker has tried."""
        progress.rollout = None
        for version in sorted(rollout.versions.intersection(progress.wished)):
            reasons = missing(name, version, states)
            if not is_loaded(name, version, states):
                self._take_back(name, progress, version, reasons)
                continue
            progress.since_ms[version] = round(time.time() * 1e3)
            if reasons:
                extra = {"model": name, "version": version, "reasons": reasons}
                _log.error("some workers cannot load a version; they serve what they had", extra=extra)
        if is_served(name, progress.route.default, states):
            self._note_serving(name, progress, rollout)
        progress.lead(name, self._next_sequence, rollout.begun_s)
        if progress.rollout is None:
            progress.reached = progress.route.targets

    def _note_serving(self, name: str, progress: Progress, rollout: Rollout) -> None:
        replaced, version, load_s = progress.serving, progress.route.default, self._clock_s() - rollout.begun_s
        loaded = sorted(rollout.versions - {version})
        if loaded:
            _log.info("versions loaded", extra={"model": name, "versions": loaded, "load_ms": round(load_s * 1e3, 1)})
        if version == replaced and version not in rollout.versions:
            if not loaded:
                _log.info("traffic changed", extra={"model": name, "targets": dict(progress.route.targets)})
            return
        progress.serving = version
        self._lifecycle.note_version(name, version, load_ns=round(load_s * 1e9), is_swap=replaced is not None)
        extra = {"model": name, "version": version, "replaces": replaced, "load_ms": round(load_s * 1e3, 1)}
        _log.info("version serves", extra=extra)

    def _take_back(self, name: str, progress: Progress, version: int, reasons: Mapping[int, str]) -> None:
        """Refuses a version that no worker could load."""
        progress.wished = {one: wished for one, wished in progress.wished.items() if one != version}
        if version in progress.found:
            reason = next(iter(reasons.values()), "no worker is there")
            self._inspection.refuse(name, version, progress, reason)
