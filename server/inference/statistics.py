"""What ModelInfer has done since this process began, by version."""

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
    """Calls for one version. One thread at a time adds.

    Attributes:
        last_ms: when the last reply was written, in milliseconds since 1970; 0 before there is one.
        run_count: runs of the graph in which their rows took part.
        success: those answered.
        fail: those whose rows could not be scored.
        reading: requests.
        scoring: their rows, with those of others.
        writing: replies.
        last_run: of the graph; what was counted for it is not counted again.
    """

    last_ms: int = 0
    run_count: int = 0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    reading: Duration = field(default_factory=Duration)
    scoring: Duration = field(default_factory=Duration)
    writing: Duration = field(default_factory=Duration)
    last_run: object = None

    def answered(self, run: object, began_ns: int, read_ns: int, scored_ns: int, ended_ns: int) -> None:
        """Counts a call that got its reply from this run, which it may share with the one before.

        Args:
            run: of the graph.
            began_ns: when the call was begun with, and so on, by one clock.
            read_ns: when its rows were there.
            scored_ns: when their scores were.
            ended_ns: when its reply was.
        """
        if run is not self.last_run:
            self.last_run = run
            self.run_count += 1
        self.success.add(ended_ns - began_ns)
        self.reading.add(read_ns - began_ns)
        self.scoring.add(scored_ns - read_ns)
        self.writing.add(ended_ns - scored_ns)


class Statistics:
    """The tallies of all versions."""

    def __init__(self) -> None:
        self._tallies: dict[Version, Tally] = {}

    def of(self, version: Version) -> Tally:
        """The tally of one version. From any thread."""
        return self._tallies.setdefault(version, Tally())
