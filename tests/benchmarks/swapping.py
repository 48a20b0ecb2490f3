"""Swaps a model again and again, in both ways, with stretches without swaps between."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protos.audience.v1 import policy_pb2
from server.policy_file import replace_policy
from server.repository import POLICY_FILE
from server.traffic import STABLE
from tests.benchmarks import usage
from tests.benchmarks.editions import Shelf
from tests.benchmarks.steady import wait_until
from tests.benchmarks.stretches import Kind, Step, Stretch

Say = Callable[[str], None]

SETTLE_S = 11.0  # a worker keeps a replaced version for ten seconds; afterwards it is gone
_LOAD_S = 2.0  # for a version that is to be loaded before it is needed
_KEPT = 3
_MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How often, and how fast.

    Attributes:
        swaps: in all; at least 1.
        stretch_swaps: of one stretch, with a quiet one as long after it.
        seconds_each: from one swap to the next.
        settle_s: after the swaps of a stretch, before the quiet one begins.
    """

    swaps: int
    stretch_swaps: int
    seconds_each: float
    settle_s: float = SETTLE_S

    def stretches(self) -> list[tuple[Kind, int]]:
        """The stretches with swaps, and how many each has: publishing and moving a label in turn.

        >>> Plan(swaps=5, stretch_swaps=2, seconds_each=1).stretches()
        [(<Kind.PUBLISH: 'publish'>, 2), (<Kind.LABEL: 'label'>, 2), (<Kind.PUBLISH: 'publish'>, 1)]
        """
        starts = range(0, self.swaps, self.stretch_swaps)
        kinds = [Kind.PUBLISH, Kind.LABEL]
        return [(kinds[number % 2], min(self.stretch_swaps, self.swaps - start)) for number, start in enumerate(starts)]

    def versions(self) -> int:
        """How many versions that takes, the first and the second too, which are there before."""
        return 2 + sum(count for kind, count in self.stretches() if kind is Kind.PUBLISH)


class Swapper:
    """Does it, and keeps when.

    Args:
        shelf: on which versions 1 and 2 are published, and the others prepared.
        plan: what to do.
        worker: process id of the worker whose memory is looked at.
        say: is told of each stretch.
    """

    def __init__(self, shelf: Shelf, plan: Plan, worker: int, say: Say) -> None:
        self._shelf, self._plan, self._say = shelf, plan, say
        self._stat = Path(f"/proc/{worker}/stat")
        self._policy = shelf.model / POLICY_FILE
        self._newest = 2
        self._done = 0

    def pair(self, kind: Kind, count: int) -> tuple[Stretch, Stretch]:
        """So many swaps, then as long without."""
        self._say(f"swaps {self._done + 1} to {self._done + count} of {self._plan.swaps}: {_WAYS[kind]}")
        self._done += count
        swaps = self._stretch(kind, count)
        self._policy.unlink(missing_ok=True)
        time.sleep(self._plan.settle_s)
        return swaps, self._quiet(count)

    def _stretch(self, kind: Kind, count: int) -> Stretch:
        swap = {Kind.PUBLISH: self._publish, Kind.LABEL: self._move}[kind]
        if kind is Kind.LABEL:
            self._point_to(self._newest)
            time.sleep(_LOAD_S)
        begun_s, stolen_s, steps, rss_mb = time.monotonic(), usage.stolen_s(), [], []
        for number in range(count):
            wait_until(begun_s + number * self._plan.seconds_each)
            rss_mb.append(self._rss_mb())
            steps.append(swap(number))
        wait_until(begun_s + count * self._plan.seconds_each)
        rss_mb.append(self._rss_mb())
        return _ended(kind, begun_s, stolen_s, tuple(steps), tuple(rss_mb))

    def _quiet(self, count: int) -> Stretch:
        begun_s, stolen_s = time.monotonic(), usage.stolen_s()
        wait_until(begun_s + count * self._plan.seconds_each)
        return _ended(Kind.QUIET, begun_s, stolen_s, (), (self._rss_mb(),))

    def _publish(self, _number: int) -> Step:
        self._newest += 1
        at_ns = time.monotonic_ns()
        self._shelf.publish(self._newest)
        self._shelf.remove(self._newest - _KEPT)
        return Step(at_ns, self._newest)

    def _move(self, number: int) -> Step:
        """To the one before the newest, and back."""
        version = self._newest - (number + 1) % 2
        at_ns = time.monotonic_ns()
        self._point_to(version)
        return Step(at_ns, version)

    def _point_to(self, version: int) -> None:
        both = [self._newest - 1, self._newest]
        replace_policy(self._policy, policy_pb2.Policy(versions=both, labels={STABLE: version}))

    def _rss_mb(self) -> float:
        return usage.parse(self._stat.read_text(encoding="utf-8")).rss_bytes / _MB


_WAYS = {Kind.PUBLISH: "newer versions appear", Kind.LABEL: "the label moves between two versions"}


def _ended(kind: Kind, begun_s: float, stolen_s: float, steps: tuple[Step, ...], rss_mb: tuple[float, ...]) -> Stretch:
    """A stretch that ends now, and began then, when so much had been stolen."""
    ended_s = time.monotonic()
    share = usage.stolen_share(begun_s, stolen_s)
    return Stretch(kind, round(begun_s * 1e9), round(ended_s * 1e9), steps, rss_mb, share)


def prepared(shelf: Shelf, plan: Plan) -> Shelf:
    """The shelf with versions 1 and 2 published, and all that the plan takes waiting beside."""
    for version in range(1, plan.versions() + 1):
        shelf.prepare(version)
    for version in (1, 2):
        shelf.publish(version)
    return shelf


def cleared(shelf: Shelf) -> None:
    """Removes the versions that were made."""
    shutil.rmtree(shelf.repository.parent, ignore_errors=True)
