"""Requests that wait for a shadow version: it scores them when nobody waits, and its differences are counted."""

import collections
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from server.errors import AudienceError
from server.registry import Registry
from server.rows import Row
from server.served import Served, Target
from server.shadow import Difference, Shadow
from server.transport.seam import Run

MOST_COPIES: Final = 256  # that wait
_LONGEST_REASON = 1000
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)  # made for every such row; a frozen one takes three times as long (measured)
class Drawn:
    """A row that is being scored, and that a shadow is to score as well.

    Attributes:
        target: what the row gets.
        shadow: the target's.
        run: the row's.
        number: the row's, among those of the run.
        features: the visitor's, as they came.
    """

    target: Target
    shadow: Shadow
    run: Run
    number: int
    features: bytes


@dataclass(slots=True, eq=False)  # as above
class Copy:
    """A row that was scored.

    Attributes:
        shadow: what scores it as well.
        differences: what is compared.
        scores: all that its visitor was answered from.
        features: its visitor's, as they came.
    """

    shadow: Shadow
    differences: Sequence[Difference]
    scores: Sequence[float]
    features: bytes


def draw(target: Target, run: Run, features: Sequence[bytes]) -> Sequence[Drawn]:
    """Those rows of the run whose turn it is.

    Args:
        target: what the rows get.
        run: of the target's version.
        features: of each of its rows.
    """
    shadow = target.shadow
    if shadow is None:
        return ()
    is_taken = shadow.turns.next_is_taken
    return [Drawn(target, shadow, run, number, one) for number, one in enumerate(features) if is_taken()]


class Copies:
    """The copies that wait. One thread at a time keeps them, and another one may work.

    Args:
        registry: what serves.
        clock_s: seconds that the calling thread has computed, which do not pass while others do.
    """

    def __init__(self, registry: Registry, *, clock_s: Callable[[], float] = time.thread_time) -> None:
        self._registry = registry
        self._clock_s = clock_s
        self._waiting: collections.deque[Copy] = collections.deque()
        self._dropping = threading.Lock()  # who keeps and who works may both drop; all else is counted by who works
        self._told: set[tuple[str, int, str]] = set()

    def __len__(self) -> int:
        """See seam.Spare."""
        return len(self._waiting)

    def keep(self, drawn: Sequence[Drawn]) -> None:
        """Has these rows, which are scored now, scored by their shadows; what there is no room for is dropped."""
        for one in drawn:
            shadow, run = one.shadow, one.run
            if len(self._waiting) >= MOST_COPIES or shadow.portion.is_too_slow:
                self._drop(shadow, 1)
                continue
            scores: Sequence[float] = run.scored.matrix[run.first + one.number].tolist()
            self._waiting.append(Copy(shadow, one.target.differences, scores, one.features))

    def work(self) -> None:
        """See seam.Spare: scores the next few that have the same shadow, and counts how they differ."""
        copies = self._next()
        if not copies:
            return
        shadow = copies[0].shadow
        served = self._served(shadow)
        if served is None or shadow.portion.is_too_slow:
            self._drop(shadow, len(copies))
            return
        began_s = self._clock_s()
        self._score(shadow, served, copies)
        shadow.portion.took(len(copies), self._clock_s() - began_s)
        if shadow.portion.is_too_slow:
            self._tell(shadow, "shadow left out; a row takes it longer than others can be kept waiting")

    def _next(self) -> Sequence[Copy]:
        waiting, copies = self._waiting, list[Copy]()
        while waiting and (not copies or waiting[0].shadow is copies[0].shadow):
            copies.append(waiting.popleft())
            if len(copies) >= copies[0].shadow.portion.rows:
                break
        return copies

    def _served(self, shadow: Shadow) -> Served | None:
        """The version, while it is still the shadow."""
        offer = self._registry.current.offers.get(shadow.model)
        return offer.versions[shadow.version] if offer is not None and offer.shadow is shadow else None

    def _drop(self, shadow: Shadow, count: int) -> None:
        with self._dropping:
            shadow.counters.dropped.inc(count)

    def _score(self, shadow: Shadow, served: Served, copies: Sequence[Copy]) -> None:
        rows, read = list[Row](), list[Copy]()
        for copy in copies:
            try:
                rows.append(served.reader.read(copy.features))
                read.append(copy)
            except Exception as error:  # the edge: nobody waits for it
                self._fail(shadow, error)
        if not rows:
            return
        try:
            scored = served.score(rows)
        except Exception as error:  # the edge: as above
            self._fail(shadow, error, len(rows))
            return
        errors = scored.block.errors or {}
        for number, copy in enumerate(read):
            if number in errors:
                self._fail(shadow, errors[number])
            else:
                self._compare(copy, scored.lists[number])

    def _compare(self, copy: Copy, scores: Sequence[float]) -> None:
        try:
            found = [(one.counters, one.between(copy.scores, scores)) for one in copy.differences]
        except Exception as error:  # the edge: as above
            self._fail(copy.shadow, error)
            return
        copy.shadow.counters.rows.inc()
        for counters, difference in found:
            if difference is not None:
                counters.rows.inc()
                counters.difference.inc_to_limit(difference)

    def _fail(self, shadow: Shadow, error: Exception, count: int = 1) -> None:
        shadow.counters.failures.inc(count)
        self._tell(shadow, "shadow failed; nobody is answered with it", error)

    def _tell(self, shadow: Shadow, event: str, error: Exception | None = None) -> None:
        """Says this of the version once."""
        if (shadow.model, shadow.version, event) in self._told:
            return
        self._told.add((shadow.model, shadow.version, event))
        extra: dict[str, object] = {"model": shadow.model, "version": shadow.version}
        if isinstance(error, AudienceError):
            _log.warning(event, extra={**extra, "reason": str(error)[:_LONGEST_REASON]})
        else:
            _log.warning(event, extra=extra, exc_info=error)
