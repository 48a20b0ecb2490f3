"""What a run is to do, and what it has recorded: values that engine, processes and command hand to each other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from loadtest.errors import BadArgument
from loadtest.payloads import Payloads, reply_status
from loadtest.results import Status, Statuses, Times

SCORE_PATH = "/audience.v1.Scoring/Score"

Judge = Callable[[bytes], Status]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send: at a rate whatever the server does (open loop), or as fast as it answers (closed loop).

    Attributes:
        target: host:port, without TLS.
        payloads: sent in turn.
        duration_s: the part of the run that is recorded.
        rate_hz: of an open loop, requests per second over all connections, which take turns.
        concurrency: of a closed loop, requests in flight on each connection; one of the two is given.
        warmup_s: the part before, which is not recorded.
        connections: over all processes; at least one for each.
        deadline_s: of each request, from when it is sent.
        path: the method that is called, unary on both sides.
        judge: what a reply is that the server calls OK. For several processes, a function at the top of a module.
        processes: that share the load.

    Raises:
        BadArgument: it says something impossible.
    """

    target: str
    payloads: Payloads
    duration_s: Fraction
    rate_hz: Fraction | None = None
    concurrency: int | None = None
    warmup_s: Fraction = Fraction(0)
    connections: int = 1
    deadline_s: float = 1.0
    path: str = SCORE_PATH
    judge: Judge = reply_status
    processes: int = 1

    def __post_init__(self) -> None:
        if (self.rate_hz is None) == (self.concurrency is None):
            raise BadArgument("give a rate, for an open loop, or a concurrency, for a closed one: one of the two")
        pace = self.rate_hz if self.concurrency is None else self.concurrency
        if pace is None or min(pace, self.duration_s, self.deadline_s) <= 0 or self.warmup_s < 0:
            raise BadArgument("rate, concurrency, duration and deadline must be more than 0, the warm-up at least 0")
        if not 1 <= self.processes <= self.connections:
            raise BadArgument(
                f"{self.connections} connections for {self.processes} processes: each process needs at least one"
            )
        if not self.payloads.requests:
            raise BadArgument("no payloads: there must be at least one")


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a load that one process sends: every `step`-th request and connection, from number `first` on."""

    first: int = 0
    step: int = 1

    def number(self, slot: int) -> int:
        """The number in the whole load of what has the number `slot` in this share.

        >>> [Share(1, 3).number(slot) for slot in range(3)]
        [1, 4, 7]
        """
        return self.first + self.step * slot

    def count(self, whole_count: int) -> int:
        """How many of the whole are in this share.

        >>> [Share(first, 3).count(7) for first in range(3)]
        [3, 2, 2]
        """
        return max(0, -(-(whole_count - self.first) // self.step))


@dataclass(frozen=True, slots=True)
class Recording:
    """What became of the requests that were recorded: the columns of Results, and what only the engine knows.

    Attributes:
        due_ns: when each was due, from the start of the recorded part; in a closed loop, when it was sent.
        sent_ns: when it was handed to its connection; from there on, waiting is the server's doing.
        done_ns: when the bytes that ended it were taken, or when its deadline passed.
        status: int16, a Status.
        window_ns: how long the recorded part was.
        busy_share: of the time until the last request, that the generator's thread was on a processor, in [0, 1]; of
            several processes, the busiest one's.
        is_interrupted: it was ended early.
        reconnect_count: connections that were opened in place of others during the run.
        troubles: what connections met, for people, and how often.
        started_ns: when the recorded part began, by CLOCK_MONOTONIC, which all processes of a machine share.
    """

    due_ns: Times
    sent_ns: Times
    done_ns: Times
    status: Statuses
    window_ns: int
    busy_share: float
    is_interrupted: bool
    reconnect_count: int = 0
    troubles: dict[str, int] = field(default_factory=dict)
    started_ns: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is, for people; in a closed loop as many are due as were sent."""

    due_count: int
    sent_count: int
    done_count: int
    failed_count: int
