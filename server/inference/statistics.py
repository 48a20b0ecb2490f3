"""What ModelInfer has done since this process began, by version."""

from collections import defaultdict
from dataclasses import dataclass, field

Version = tuple[str, int]


@dataclass(slots=True)
class Duration:
    """How often something was done, and how many nanoseconds it took in all."""

    count: int = 0
    ns: int = 0

    def add(self, ns: int) -> None:
        """Counts one."""
        self.count += 1
        self.ns += ns


@dataclass(slots=True)
class Tally:
    """Calls for one version.

    Attributes:
        last_ms: when the last reply was written, in milliseconds since 1970; 0 before there is one.
        run_count: runs of the graph in which their rows took part.
        success: those answered.
        fail: those whose rows could not be scored.
        reading: requests.
        scoring: their rows, with those of others.
        writing: replies.
    """

    last_ms: int = 0
    run_count: int = 0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    reading: Duration = field(default_factory=Duration)
    scoring: Duration = field(default_factory=Duration)
    writing: Duration = field(default_factory=Duration)


@dataclass(frozen=True, slots=True)
class Times:
    """When the steps of one call were taken, in nanoseconds of one clock."""

    began_ns: int
    read_ns: int
    scored_ns: int
    ended_ns: int


class Statistics:
    """The tallies of all versions. One thread at a time adds."""

    def __init__(self) -> None:
        self._tallies: defaultdict[Version, Tally] = defaultdict(Tally)
        self._last_run: object = None

    def of(self, version: Version) -> Tally:
        """The tally of one version."""
        return self._tallies[version]

    def answered(self, version: Version, run: object, times: Times, now_ms: int) -> None:
        """Counts a call that got its reply from this run of the graph, which it may share with the one before."""
        tally = self._tallies[version]
        tally.last_ms = now_ms
        if run is not self._last_run:
            self._last_run = run
            tally.run_count += 1
        tally.success.add(times.ended_ns - times.began_ns)
        tally.reading.add(times.read_ns - times.began_ns)
        tally.scoring.add(times.scored_ns - times.read_ns)
        tally.writing.add(times.ended_ns - times.scored_ns)

    def failed(self, version: Version, ns: int) -> None:
        """Counts a call whose rows could not be scored."""
        self._tallies[version].fail.add(ns)
